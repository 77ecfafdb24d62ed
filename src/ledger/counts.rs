//! The numbers of one row of the ledger, and whether they add up.

use serde::Serialize;

use super::Share;
use super::outcome::Outcome;
use crate::error::{Error, Result};

/// The numbers of messages by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The number of composed messages, counted independently of their outcomes; a person who gets
    /// two messages counts twice.
    pub recipients: i64,
    /// See [`Outcome::Delivered`].
    pub delivered: i64,
    /// See [`Outcome::Sent`].
    pub sent: i64,
    /// See [`Outcome::Failed`].
    pub failed: i64,
    /// See [`Outcome::Suppressed`].
    pub suppressed: i64,
    /// See [`Outcome::Skipped`].
    pub skipped: i64,
    /// See [`Outcome::Unconfirmed`].
    pub unconfirmed: i64,
    /// See [`Outcome::Pending`].
    pub pending: i64,
    /// See [`Outcome::Retried`].
    pub retried: i64,
}

impl Counts {
    /// The number of messages with this outcome.
    #[must_use]
    pub const fn of(&self, outcome: Outcome) -> i64 {
        match outcome {
            Outcome::Delivered => self.delivered,
            Outcome::Sent => self.sent,
            Outcome::Failed => self.failed,
            Outcome::Suppressed => self.suppressed,
            Outcome::Skipped => self.skipped,
            Outcome::Unconfirmed => self.unconfirmed,
            Outcome::Pending => self.pending,
            Outcome::Retried => self.retried,
        }
    }

    /// The number of messages to be sent: recipients without the messages that another one
    /// replaced, so that none counts twice.
    #[must_use]
    pub const fn messages(&self) -> i64 {
        self.recipients - self.retried
    }

    /// The share of [`Self::messages`] with an outcome; all shares add up to the whole. `None` for
    /// [`Outcome::Retried`], which is not among them.
    ///
    /// Every rate on pages and in the API is defined here: “delivered” is the delivered part of all
    /// messages to be sent.
    #[must_use]
    pub fn share(&self, outcome: Outcome) -> Option<Share> {
        (outcome != Outcome::Retried)
            .then(|| Share { count: self.of(outcome), of: self.messages() })
    }

    /// The sum of all outcomes.
    #[must_use]
    pub fn sum(&self) -> i64 {
        Outcome::ALL.iter().map(|outcome| self.of(*outcome)).sum()
    }

    /// Whether every recipient has exactly one outcome.
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.recipients == self.sum() && Outcome::ALL.iter().all(|outcome| self.of(*outcome) >= 0)
    }

    pub(super) const fn add(&mut self, counted: Counted, count: i64) {
        let number = match counted {
            Counted::Recipients => &mut self.recipients,
            Counted::Outcome(Outcome::Delivered) => &mut self.delivered,
            Counted::Outcome(Outcome::Sent) => &mut self.sent,
            Counted::Outcome(Outcome::Failed) => &mut self.failed,
            Counted::Outcome(Outcome::Suppressed) => &mut self.suppressed,
            Counted::Outcome(Outcome::Skipped) => &mut self.skipped,
            Counted::Outcome(Outcome::Unconfirmed) => &mut self.unconfirmed,
            Counted::Outcome(Outcome::Pending) => &mut self.pending,
            Counted::Outcome(Outcome::Retried) => &mut self.retried,
        };
        *number += count;
    }
}

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Recipients,
    Outcome(Outcome),
}

impl Counted {
    pub(super) fn of(name: &str) -> Result<Self> {
        match name {
            "recipients" => Ok(Self::Recipients),
            _ => name
                .parse()
                .map(Self::Outcome)
                .map_err(|error| Error::Internal(format!("the ledger’s outcome {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_that_was_to_be_sent_and_make_the_whole() {
        let counts = Counts {
            recipients: 390,
            delivered: 285,
            sent: 4,
            failed: 5,
            suppressed: 70,
            skipped: 10,
            unconfirmed: 1,
            pending: 5,
            retried: 10,
        };
        assert!(counts.add_up());
        assert_eq!(counts.share(Outcome::Delivered), Some(Share { count: 285, of: 380 }));
        assert_eq!(
            counts.share(Outcome::Delivered).and_then(Share::percent).as_deref(),
            Some("75.0 %")
        );
        assert_eq!(counts.share(Outcome::Retried), None);
        let shares = Outcome::ALL.iter().filter_map(|outcome| counts.share(*outcome));
        assert_eq!(shares.map(|share| share.count).sum::<i64>(), counts.messages());
    }

    #[test]
    fn numbers_add_up_when_every_recipient_has_one_outcome() {
        let mut counts = Counts::default();
        for outcome in Outcome::ALL {
            counts.add(Counted::Recipients, 3);
            assert!(!counts.add_up(), "{outcome}");
            counts.add(Counted::Outcome(*outcome), 3);
            assert_eq!((counts.of(*outcome), counts.add_up()), (3, true), "{outcome}");
        }
        counts.add(Counted::Outcome(Outcome::Sent), -4);
        counts.add(Counted::Outcome(Outcome::Delivered), 4);
        assert!(!counts.add_up(), "fewer than none is wrong even where the sum is right");
    }
}
