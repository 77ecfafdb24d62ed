//! Shares: what part of the messages has an outcome, defined once for every page and the API.

use serde::Serialize;

/// A part of the messages that were to be sent: see [`super::Counts::share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The number of messages with the outcome.
    pub count: i64,
    /// The number of all messages: [`super::Counts::messages`].
    pub of: i64,
}

impl Share {
    /// The share as text, such as `96.4 %`; `None` if there are no messages. A share above 0 % is
    /// never rounded to 0 %, nor one below 100 % to 100 %.
    #[must_use]
    pub fn percent(self) -> Option<String> {
        let Self { count, of } = self;
        if count < 0 || of <= 0 {
            return None;
        }
        let tenths = (count * 2_000 + of) / (of * 2);
        Some(match tenths {
            0 if count > 0 => "<0.1 %".to_owned(),
            1_000 if count < of => ">99.9 %".to_owned(),
            tenths => format!("{}.{} %", tenths / 10, tenths % 10),
        })
    }

    /// The share from 0 to 1, with four decimals; `None` if there are no messages.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of messages are far below 2^52, and a share has four decimals"
    )]
    pub fn fraction(self) -> Option<f64> {
        (self.of > 0).then(|| (self.count as f64 / self.of as f64 * 10_000.0).round() / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        let shares = [(0, 10), (10, 10), (1, 3), (1, 1_000_000), (999_999, 1_000_000), (0, 0)]
            .map(|(count, of)| Share { count, of });
        let shown = shares.map(|share| share.percent().unwrap_or_else(|| "-".to_owned()));
        assert_eq!(shown, ["0.0 %", "100.0 %", "33.3 %", "<0.1 %", ">99.9 %", "-"]);
        assert_eq!(
            shares.map(Share::fraction),
            [Some(0.0), Some(1.0), Some(0.3333), Some(0.0), Some(1.0), None]
        );
    }
}
