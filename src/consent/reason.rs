//! Reasons why a number may not be texted, as they are stored and shown.

use crate::types::text_enum::text_enum;

text_enum! {
    /// Why a number may not be texted, the strongest reason first.
    pub enum Reason {
        /// The person texted STOP: only the person can undo it, or an admin who gives a reason.
        Stop = "stop",
        /// Twilio refused with error 21610: a STOP that Carillon missed.
        Carrier21610 = "carrier_21610",
        /// A user or program suppressed it.
        Manual = "manual",
        /// The carrier blocks messages to it.
        CarrierBlocked = "carrier_blocked",
        /// It cannot receive messages.
        InvalidNumber = "invalid_number",
    }
}

impl Reason {
    /// The opt-outs of the person, which START lifts.
    pub const OPT_OUTS: &'static [Self] = &[Self::Stop, Self::Carrier21610];

    /// Whether it is an opt-out of the person.
    pub fn is_opt_out(self) -> bool {
        Self::OPT_OUTS.contains(&self)
    }

    /// Whether it follows the person when their number changes; the others are faults of the
    /// number. Manual suppressions do: often, the person requested them by other means than a text.
    pub fn follows_person(self) -> bool {
        self.is_opt_out() || self == Self::Manual
    }

    /// A short label for a badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Stop => "Texted STOP",
            Self::Carrier21610 => "Opted out (21610)",
            Self::Manual => "Suppressed by hand",
            Self::CarrierBlocked => "Blocked by the carrier",
            Self::InvalidNumber => "Can’t receive SMS",
        }
    }

    /// A noun for what ends when it is lifted, capitalized to begin a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Carrier21610 => "Opt-out (21610)",
            Self::Manual => "Suppression by hand",
            Self::CarrierBlocked => "Carrier block",
            Self::InvalidNumber => "Invalid number",
        }
    }

    /// A sentence that explains it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Stop => "They texted STOP. They can undo it by texting START.",
            Self::Carrier21610 => {
                "Twilio refuses messages to this number: they opted out there. They can undo it by \
                 texting START."
            }
            Self::Manual => "A user or a connected program suppressed this number.",
            Self::CarrierBlocked => "The carrier blocks messages to this number.",
            Self::InvalidNumber => "Twilio reports that this number can’t receive messages.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_of_the_person_is_an_opt_out() {
        let opt_outs: Vec<_> = Reason::ALL.iter().filter(|reason| reason.is_opt_out()).collect();
        assert_eq!(opt_outs, [&Reason::Stop, &Reason::Carrier21610]);
    }

    #[test]
    fn a_stop_is_the_strongest_reason() {
        assert!(Reason::ALL.iter().all(|reason| Reason::Stop <= *reason));
    }
}
