//! Why a number may not be texted, as it is stored and as people read it.

use crate::types::text_enum::text_enum;

text_enum! {
    /// Why a number may not be texted, the weightiest first.
    pub enum Reason {
        /// The person texted STOP: only the person can undo it, or an admin who says why.
        Stop = "stop",
        /// Twilio refused with error 21610: a STOP that we missed.
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
    /// The reasons that are the person's own will: what START lifts.
    pub const OPT_OUTS: &'static [Self] = &[Self::Stop, Self::Carrier21610];

    /// Whether it is the person's own will not to be texted.
    pub fn is_opt_out(self) -> bool {
        Self::OPT_OUTS.contains(&self)
    }

    /// Whether it is about the person, who keeps it when their number changes; the others are
    /// faults of the number.
    ///
    /// Suppression by hand is among them: often it is what a person asked for by another way than a
    /// text.
    pub fn is_will(self) -> bool {
        self.is_opt_out() || self == Self::Manual
    }

    /// A few words for a badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Stop => "Texted STOP",
            Self::Carrier21610 => "Opted out (21610)",
            Self::Manual => "Suppressed by hand",
            Self::CarrierBlocked => "Blocked by the carrier",
            Self::InvalidNumber => "Cannot receive SMS",
        }
    }

    /// What ends when it is lifted, at the beginning of a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Carrier21610 => "Opt-out (21610)",
            Self::Manual => "Suppression by hand",
            Self::CarrierBlocked => "Carrier block",
            Self::InvalidNumber => "Invalid number",
        }
    }

    /// A sentence on what it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Stop => "The person texted STOP. They can undo it by texting START.",
            Self::Carrier21610 => {
                "Twilio refuses messages to this number, since the person has opted out there. \
                 They can undo it by texting START."
            }
            Self::Manual => {
                "Someone here, or a connected program, decided that this number is not texted."
            }
            Self::CarrierBlocked => "The carrier blocks messages to this number.",
            Self::InvalidNumber => "Twilio reports that this number cannot receive messages.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_persons_own_will_is_an_opt_out() {
        let opt_outs: Vec<_> = Reason::ALL.iter().filter(|reason| reason.is_opt_out()).collect();
        assert_eq!(opt_outs, [&Reason::Stop, &Reason::Carrier21610]);
    }

    #[test]
    fn a_stop_weighs_most() {
        assert!(Reason::ALL.iter().all(|reason| Reason::Stop <= *reason));
    }
}
