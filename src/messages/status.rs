//! [`MessageStatus`]: the statuses of a message, their order, and the one function that decides
//! whether a report moves it.

use crate::ledger::outcome::Outcome;
use crate::types::text_enum::text_enum;

text_enum! {
    /// The delivery status of a message; a status that Twilio reports has Twilio's name.
    pub enum MessageStatus {
        /// Composed, and waiting to be sent.
        Pending = "pending",
        /// Claimed: the request to Twilio is about to start or in flight.
        Submitting = "submitting",
        /// Twilio may or may not have accepted it: the response was lost.
        Unconfirmed = "unconfirmed",
        /// Accepted by a Messaging Service, which is choosing a sender.
        Accepted = "accepted",
        /// Accepted by Twilio for a later time.
        Scheduled = "scheduled",
        /// In Twilio's queue.
        Queued = "queued",
        /// On its way to the carrier.
        Sending = "sending",
        /// The carrier has it.
        Sent = "sent",
        /// The carrier, or the handset, confirmed it.
        Delivered = "delivered",
        /// The carrier reported that it did not arrive.
        Undelivered = "undelivered",
        /// It could not be sent.
        Failed = "failed",
        /// Canceled before Twilio sent it.
        Canceled = "canceled",
        /// Opened by the recipient.
        Read = "read",
        /// Not sent: the number may not be texted.
        Suppressed = "suppressed",
        /// Not sent: a rule left it out.
        Skipped = "skipped",
        /// Not sent: its validity had ended.
        Expired = "expired",
        /// An inbound message.
        Received = "received",
    }
}

impl MessageStatus {
    /// The position of the status in a message's life; reports never lower it. Statuses of equal
    /// rank are alternatives or final.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Submitting => 1,
            Self::Unconfirmed => 2,
            Self::Accepted | Self::Scheduled | Self::Queued => 3,
            Self::Sending => 4,
            Self::Sent => 5,
            Self::Delivered
            | Self::Undelivered
            | Self::Failed
            | Self::Canceled
            | Self::Suppressed
            | Self::Skipped
            | Self::Expired
            | Self::Received => 6,
            Self::Read => 7,
        }
    }

    /// Whether no further report is expected; `delivered` may still become `read`.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.rank() >= Self::Delivered.rank()
    }

    /// Whether the status comes from Twilio, which proves that Twilio accepted the message.
    #[must_use]
    pub const fn is_reported_by_twilio(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::Scheduled
                | Self::Queued
                | Self::Sending
                | Self::Sent
                | Self::Delivered
                | Self::Undelivered
                | Self::Failed
                | Self::Canceled
                | Self::Read
        )
    }

    /// The status after a report from Twilio; none when the report changes nothing.
    ///
    /// The rank only rises; among `accepted`, `scheduled` and `queued` the latest report wins; a
    /// final status stays, except that `delivered` may become `read`. Statuses that only Carillon
    /// sets are not reports, and change nothing.
    #[must_use]
    pub fn after(self, report: Self) -> Option<Self> {
        if !report.is_reported_by_twilio() || report == self {
            return None;
        }
        let moves = match self {
            Self::Delivered => report == Self::Read,
            current if current.is_final() => false,
            current => {
                report.rank() > current.rank()
                    || (report.rank() == current.rank() && report.rank() == Self::Queued.rank())
            }
        };
        moves.then_some(report)
    }

    /// The ledger outcome of an outbound message; none for an inbound one. The database function
    /// `ledger_outcome` computes the same.
    #[must_use]
    pub const fn outcome(self, resent: Resent) -> Option<Outcome> {
        if matches!(resent, Resent::Yes) {
            return Some(Outcome::Retried);
        }
        Some(match self {
            Self::Pending | Self::Submitting => Outcome::Pending,
            Self::Unconfirmed => Outcome::Unconfirmed,
            Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending | Self::Sent => {
                Outcome::Sent
            }
            Self::Delivered | Self::Read => Outcome::Delivered,
            Self::Failed | Self::Undelivered => Outcome::Failed,
            Self::Suppressed => Outcome::Suppressed,
            Self::Skipped | Self::Expired | Self::Canceled => Outcome::Skipped,
            Self::Received => return None,
        })
    }

    /// The statuses with this outcome; a resent message keeps the status that it had.
    #[must_use]
    pub fn with_outcome(outcome: Outcome) -> Vec<Self> {
        let resent = if outcome == Outcome::Retried { Resent::Yes } else { Resent::No };
        let all = Self::ALL.iter().copied();
        all.filter(|status| status.outcome(resent) == Some(outcome)).collect()
    }

    /// The word for users: one for all statuses between which they need not distinguish.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending | Self::Submitting => "Waiting",
            Self::Unconfirmed => "Uncertain",
            Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending | Self::Sent => {
                "On the way"
            }
            Self::Delivered => "Delivered",
            Self::Undelivered | Self::Failed => "Not delivered",
            Self::Canceled => "Canceled",
            Self::Read => "Read",
            Self::Suppressed => "Suppressed",
            Self::Skipped => "Skipped",
            Self::Expired => "Expired",
            Self::Received => "Received",
        }
    }

    /// An explanation of the status for users.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pending => "Waiting to go to Twilio.",
            Self::Submitting => "Going to Twilio right now.",
            Self::Unconfirmed => {
                "Twilio gave no clear answer. Carillon finds out before it does anything else."
            }
            Self::Accepted => "Twilio has it and chooses a number to send from.",
            Self::Scheduled => "Twilio has it and sends it later.",
            Self::Queued => "In Twilio’s queue.",
            Self::Sending => "On its way to the carrier.",
            Self::Sent => "The carrier has it. Some carriers never confirm delivery.",
            Self::Delivered => "The carrier confirmed that it arrived.",
            Self::Undelivered => "The carrier reported that it didn’t arrive.",
            Self::Failed => "It didn’t go out.",
            Self::Canceled => "Canceled before Twilio sent it.",
            Self::Read => "The recipient opened it.",
            Self::Suppressed => "Not sent: this number can’t be texted.",
            Self::Skipped => "Not sent: a rule left it out.",
            Self::Expired => "Not sent: its time had passed.",
            Self::Received => "Received from the contact.",
        }
    }
}

/// Whether the message was resent as another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// No.
    No,
    /// Yes.
    Yes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn any_status() -> impl Strategy<Value = MessageStatus> {
        select(MessageStatus::ALL)
    }

    proptest! {
        #[test]
        fn rank_never_falls_whatever_the_order_of_reports(
            start in any_status(),
            reports in prop::collection::vec(any_status(), 0..30)
        ) {
            let mut status = start;
            for report in reports {
                let next = status.after(report).unwrap_or(status);
                prop_assert!(next.rank() >= status.rank());
                status = next;
            }
        }

        #[test]
        fn a_repeated_report_changes_nothing(start in any_status(), report in any_status()) {
            let once = start.after(report).unwrap_or(start);
            prop_assert_eq!(once.after(report), None);
        }

        #[test]
        fn a_final_status_stays_unless_delivered_becomes_read(
            report in any_status(),
            end in any_status().prop_filter("final", |s| s.is_final())
        ) {
            let next = end.after(report);
            prop_assert!(
                next.is_none() || (
                    end == MessageStatus::Delivered && next == Some(MessageStatus::Read)
                )
            );
        }

        #[test]
        fn shuffled_reports_of_one_delivery_all_end_delivered(mut reports in Just(vec![
            MessageStatus::Queued,
            MessageStatus::Sending,
            MessageStatus::Sent,
            MessageStatus::Delivered,
        ]).prop_shuffle()) {
            let mut status = MessageStatus::Submitting;
            for report in reports.drain(..) {
                status = status.after(report).unwrap_or(status);
            }
            prop_assert_eq!(status, MessageStatus::Delivered);
        }

        #[test]
        fn only_twilio_moves_a_status(
            start in any_status(),
            report in any_status().prop_filter("ours", |s| !s.is_reported_by_twilio())
        ) {
            prop_assert_eq!(start.after(report), None);
        }
    }

    #[test]
    fn among_accepted_scheduled_and_queued_the_latest_wins() {
        use MessageStatus::{Accepted, Queued, Scheduled, Sending};
        assert_eq!(Queued.after(Accepted), Some(Accepted));
        assert_eq!(Accepted.after(Queued), Some(Queued));
        assert_eq!(Scheduled.after(Queued), Some(Queued));
        assert_eq!(Sending.after(Queued), None);
    }

    #[test]
    fn a_read_report_may_arrive_before_delivered() {
        use MessageStatus::{Delivered, Read, Sent};
        assert_eq!(Sent.after(Read), Some(Read));
        assert_eq!(Read.after(Delivered), None);
    }

    #[test]
    fn every_status_of_an_outbound_message_has_one_outcome_and_every_outcome_has_a_status() {
        for status in MessageStatus::ALL {
            let gathering = Outcome::ALL.iter().filter(|outcome| {
                **outcome != Outcome::Retried
                    && MessageStatus::with_outcome(**outcome).contains(status)
            });
            let expected = usize::from(*status != MessageStatus::Received);
            assert_eq!(gathering.count(), expected, "{status}");
        }
        for outcome in Outcome::ALL {
            assert!(!MessageStatus::with_outcome(*outcome).is_empty(), "{outcome}");
        }
    }
}
