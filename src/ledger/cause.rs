//! [`Cause`]: why messages failed or were not sent, and how many.

use super::outcome::Outcome;

/// The number of messages that failed, were suppressed or were skipped for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// [`Outcome::Failed`], [`Outcome::Suppressed`] or [`Outcome::Skipped`].
    pub outcome: Outcome,
    /// Twilio's error code, if they failed with one.
    pub error_code: Option<i32>,
    /// Otherwise the first 200 characters of the reason, if there is one.
    pub reason: Option<String>,
    /// The number of messages.
    pub count: i64,
}

impl Cause {
    /// Whether it is the same cause, regardless of the count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.outcome, self.error_code, &self.reason)
            == (other.outcome, other.error_code, &other.reason)
    }
}
