//! Outcomes: the eight ways in which a message can stand in the ledger, and which statuses each of
//! them gathers.

use crate::messages::status::MessageStatus;
use crate::types::text_enum::text_enum;

text_enum! {
    /// How a message stands, for whoever asks how many; every outbound message has exactly one.
    pub enum Outcome {
        /// The carrier, or the handset, confirmed it.
        Delivered = "delivered",
        /// Twilio or a carrier has it and has not confirmed its delivery.
        Sent = "sent",
        /// It did not arrive.
        Failed = "failed",
        /// Not sent: the number may not be texted.
        Suppressed = "suppressed",
        /// Not sent: a rule left it out, its time had passed, or somebody canceled it.
        Skipped = "skipped",
        /// Nobody knows whether Twilio has it.
        Unconfirmed = "unconfirmed",
        /// Not handed to Twilio yet.
        Pending = "pending",
        /// It never reached anybody, and another message took its place, which is counted by
        /// itself.
        Retried = "retried",
    }
}

impl Outcome {
    /// The outcome of an outbound message; none for one that came in. The database's
    /// `ledger_outcome` says the same.
    #[must_use]
    pub const fn of(status: MessageStatus, retry: Retry) -> Option<Self> {
        if matches!(retry, Retry::Done) {
            return Some(Self::Retried);
        }
        Some(match status {
            MessageStatus::Pending | MessageStatus::Submitting => Self::Pending,
            MessageStatus::Unconfirmed => Self::Unconfirmed,
            MessageStatus::Accepted
            | MessageStatus::Scheduled
            | MessageStatus::Queued
            | MessageStatus::Sending
            | MessageStatus::Sent => Self::Sent,
            MessageStatus::Delivered | MessageStatus::Read => Self::Delivered,
            MessageStatus::Failed | MessageStatus::Undelivered => Self::Failed,
            MessageStatus::Suppressed => Self::Suppressed,
            MessageStatus::Skipped | MessageStatus::Expired | MessageStatus::Canceled => {
                Self::Skipped
            }
            MessageStatus::Received => return None,
        })
    }

    /// The statuses that it gathers; a retried message keeps whichever it had.
    #[must_use]
    pub fn statuses(self) -> Vec<MessageStatus> {
        let retry = if self == Self::Retried { Retry::Done } else { Retry::None };
        MessageStatus::ALL
            .iter()
            .copied()
            .filter(|status| Self::of(*status, retry) == Some(self))
            .collect()
    }

    /// What the outcome means, in words for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Delivered => "The carrier confirmed that it arrived.",
            Self::Sent => "Twilio or a carrier has it. Some carriers never confirm delivery.",
            Self::Failed => "It did not arrive.",
            Self::Suppressed => "Not sent, because the number may not be texted.",
            Self::Skipped => "Not sent, because a rule left it out or its time had passed.",
            Self::Unconfirmed => {
                "Twilio gave no clear answer, so nobody knows yet whether it has the message."
            }
            Self::Pending => "Waiting to be handed to Twilio.",
            Self::Retried => "It never arrived, and another message took its place.",
        }
    }
}

/// Whether another message took this one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No.
    None,
    /// Yes.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_an_outbound_message_has_one_outcome_and_every_outcome_has_a_status() {
        for status in MessageStatus::ALL {
            let gathering = Outcome::ALL.iter().filter(|outcome| {
                **outcome != Outcome::Retried && outcome.statuses().contains(status)
            });
            assert_eq!(
                gathering.count(),
                usize::from(*status != MessageStatus::Received),
                "{status}"
            );
        }
        for outcome in Outcome::ALL {
            assert!(!outcome.statuses().is_empty(), "{outcome}");
        }
    }
}
