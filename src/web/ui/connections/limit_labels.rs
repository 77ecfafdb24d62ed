//! The limits of a sender in words: its rate, and the validity of its messages.

use crate::connections::SenderAddress;
use crate::senders::{PartsPerSecond, Validity};
use crate::web::quantities;

/// The rate of a sender as text: `1 SMS part per second`.
pub(super) fn speed(rate: Option<PartsPerSecond>) -> String {
    match rate {
        None => "Not limited by Carillon".to_owned(),
        Some(rate) => format!("{}, shared by all automations", per_second(rate)),
    }
}

/// A sentence about the rate that Twilio usually grants to a sender of this kind.
pub(super) fn usual_rate(address: &SenderAddress) -> String {
    match PartsPerSecond::usual(address) {
        Some(rate) => format!(
            "Twilio's usual rate for this kind of number is {}. A long text has several parts, and \
             each counts. Leave it empty only if \
             Twilio shall do the queueing: it keeps at most 10 hours' worth, and drops what comes \
             on top.",
            per_second(rate)
        ),
        None => {
            "Leave it empty unless you want it slower: Twilio spreads the messages of a Messaging \
                 Service over the senders in its pool, \
                 and keeps to their rates itself."
                .to_owned()
        }
    }
}

/// The validity as text: `2 days`.
pub(super) fn validity(validity: Validity) -> String {
    quantities::duration(u32::try_from(validity.minutes()).unwrap_or(0) * 60)
}

fn per_second(rate: PartsPerSecond) -> String {
    let rate = rate.get();
    format!(
        "{rate} SMS part{} per second",
        if (rate - 1.0).abs() < f64::EPSILON { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_as_decimal_numbers() {
        assert_eq!(
            speed(PartsPerSecond::new(1.0).ok()),
            "1 SMS part per second, shared by all automations"
        );
        assert_eq!(
            speed(PartsPerSecond::new(0.5).ok()),
            "0.5 SMS parts per second, shared by all automations"
        );
    }
}
