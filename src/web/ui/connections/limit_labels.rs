//! The limits of a sender in words: its rate, and the validity of its messages.

use crate::connections::SenderAddress;
use crate::senders::{PartsPerSecond, Validity};
use crate::web::quantities;

/// The rate of a sender as text: `1 SMS part per second`.
pub(super) fn speed(rate: Option<PartsPerSecond>) -> String {
    match rate {
        None => "No limit in Carillon".to_owned(),
        Some(rate) => format!("{}, shared by all automations", per_second(rate)),
    }
}

/// A sentence about the rate that Twilio usually grants to a sender of this kind.
pub(super) fn usual_rate(address: &SenderAddress) -> String {
    match PartsPerSecond::usual(address) {
        Some(rate) => format!(
            "Twilio usually allows {}. Each part of a long text counts. Leave empty only to let \
             Twilio queue: it keeps 10 hours’ worth and drops the rest.",
            per_second(rate)
        ),
        None => {
            "Leave empty unless you want to send more slowly. Twilio spreads messages over the \
             numbers of a Messaging Service and keeps to their rates."
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
