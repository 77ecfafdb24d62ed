//! The ledger in responses of the API.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, Difference, Ledger, LedgerFilter, LedgerKey, LedgerRow, Share};
use crate::messages::resend::{LeftOutReason, ResendGroup, ResendPreview};
use crate::twilio::error_codes;
use crate::types::id::{AutomationId, MessageId, SenderId};

/// Messages by outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ledger)]
pub(super) struct LedgerAnswer {
    /// The time zone of the days: the organization's, such as `Europe/Berlin`. After a change, the
    /// days of the former one are returned until the ledger has been counted again, which takes a
    /// second for some hundred thousand messages.
    time_zone: &'static str,
    /// The first day.
    #[schema(value_type = String, format = "date")]
    from: NaiveDate,
    /// The last day.
    #[schema(value_type = String, format = "date")]
    to: NaiveDate,
    /// Whether every recipient has exactly one outcome, in each row and in total.
    adds_up: bool,
    totals: CountsAnswer,
    /// The newest day first, or the row with the most recipients first.
    rows: Vec<RowAnswer>,
    /// Why messages failed or were suppressed or skipped, the most frequent cause first.
    causes: Vec<CauseAnswer>,
}

/// One row of the ledger; `day`, `automation_id` or `sender_id` names what it stands for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerRow)]
pub(super) struct RowAnswer {
    #[serde(flatten)]
    key: KeyAnswer,
    #[serde(flatten)]
    counts: CountsAnswer,
}

/// What a row stands for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = LedgerKey)]
pub(super) enum KeyAnswer {
    /// The messages that were composed on a day of the time zone.
    Day {
        #[schema(value_type = String, format = "date")]
        day: NaiveDate,
    },
    /// The messages of an automation; `null` for messages without one.
    Automation {
        #[schema(value_type = Option<String>, format = "uuid")]
        automation_id: Option<AutomationId>,
    },
    /// The messages from a sender.
    Sender {
        #[schema(value_type = Option<String>, format = "uuid")]
        sender_id: Option<SenderId>,
    },
}

/// Messages by outcome; `recipients` is counted separately.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = LedgerCounts)]
pub(super) struct CountsAnswer {
    /// Messages that were composed; a person who gets two is counted twice.
    recipients: i64,
    /// Messages that were to be sent: `recipients` without `retried`, which other messages replace.
    messages: i64,
    delivered: i64,
    /// The share of `delivered` in `messages`, from 0 to 1 with four decimals; `null` without
    /// messages.
    delivered_share: Option<f64>,
    /// At Twilio or a carrier, delivery not confirmed.
    sent: i64,
    /// Failed or undelivered.
    failed: i64,
    /// Not sent, because the number may not be texted.
    suppressed: i64,
    /// Not sent, because of a rule, an expiry or a cancellation.
    skipped: i64,
    /// It is unknown whether Twilio has accepted them.
    unconfirmed: i64,
    /// Not submitted to Twilio yet.
    pending: i64,
    /// Never arrived; another message replaces each.
    retried: i64,
}

/// Why messages did not arrive.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerCause)]
pub(super) struct CauseAnswer {
    /// `failed`, `suppressed` or `skipped`.
    #[schema(value_type = String)]
    outcome: Outcome,
    /// Twilio's error code.
    error_code: Option<i32>,
    /// The error code in words.
    title: Option<&'static str>,
    /// Without an error code: the reason of a suppression, such as `stop`, or the first 200
    /// characters of a sentence.
    reason: Option<String>,
    count: i64,
}

/// The result of counting the messages again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerCheck)]
pub(super) struct CheckAnswer {
    /// The time zone of the days.
    time_zone: &'static str,
    /// Empty if the ledger is right.
    differences: Vec<DifferenceAnswer>,
}

/// A number of the ledger that differs from the messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerDifference)]
pub(super) struct DifferenceAnswer {
    #[schema(value_type = String, format = "date")]
    day: NaiveDate,
    #[schema(value_type = Option<String>, format = "uuid")]
    automation_id: Option<AutomationId>,
    #[schema(value_type = Option<String>, format = "uuid")]
    sender_id: Option<SenderId>,
    /// `recipients`, or an outcome.
    outcome: String,
    reason: Option<String>,
    error_code: Option<i32>,
    in_ledger: i64,
    in_messages: i64,
}

/// The messages that were sent again, and those that were not.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Retried)]
pub(super) struct ResendAnswer {
    /// How many could be sent again.
    eligible: i64,
    /// How many did not arrive and are left out.
    left_out: i64,
    /// Eligible and left-out messages by cause.
    groups: Vec<GroupAnswer>,
    /// How many were sent again; at most 20,000 at once.
    retried: usize,
    /// The new messages.
    #[schema(value_type = Vec<String>)]
    messages: Vec<MessageId>,
}

/// Messages that did not arrive for the same cause.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetryGroup)]
pub(super) struct GroupAnswer {
    /// The outcome: `failed`, `suppressed`, `skipped`, `unconfirmed` or `retried`; `null` if the
    /// request names a single message.
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
    error_code: Option<i32>,
    /// The error code in words.
    title: Option<&'static str>,
    reason: Option<String>,
    /// Why they are not sent again; `null` if they may be. One of `unconfirmed`,
    /// `may_have_arrived`, `suppressed`, `no_contact`, `would_fail_again`, `unexplained`,
    /// `nothing_to_send`, `on_purpose` or `retried`.
    #[schema(value_type = Option<String>)]
    left_out: Option<LeftOutReason>,
    count: i64,
}

impl LedgerAnswer {
    /// Creates the response to a filter.
    pub(super) fn new(filter: &LedgerFilter, ledger: Ledger) -> Self {
        Self {
            time_zone: filter.days.zone().name(),
            from: filter.days.from(),
            to: filter.days.to(),
            adds_up: ledger.adds_up(),
            totals: ledger.totals.into(),
            rows: ledger.rows.into_iter().map(RowAnswer::from).collect(),
            causes: ledger.causes.into_iter().map(CauseAnswer::from).collect(),
        }
    }
}

impl From<LedgerRow> for RowAnswer {
    fn from(row: LedgerRow) -> Self {
        let key = match row.key {
            LedgerKey::Day(day) => KeyAnswer::Day { day },
            LedgerKey::Automation(automation_id) => KeyAnswer::Automation { automation_id },
            LedgerKey::Sender(sender_id) => KeyAnswer::Sender { sender_id },
        };
        Self { key, counts: row.counts.into() }
    }
}

impl From<Counts> for CountsAnswer {
    fn from(counts: Counts) -> Self {
        let (messages, delivered_share) =
            (counts.messages(), counts.share(Outcome::Delivered).and_then(Share::fraction));
        let Counts {
            recipients,
            delivered,
            sent,
            failed,
            suppressed,
            skipped,
            unconfirmed,
            pending,
            retried,
        } = counts;
        Self {
            recipients,
            messages,
            delivered,
            delivered_share,
            sent,
            failed,
            suppressed,
            skipped,
            unconfirmed,
            pending,
            retried,
        }
    }
}

impl From<Cause> for CauseAnswer {
    fn from(cause: Cause) -> Self {
        let Cause { outcome, error_code, reason, count } = cause;
        Self { outcome, error_code, title: title(error_code), reason, count }
    }
}

impl CheckAnswer {
    /// Creates the response from the differences that a filter's messages show.
    pub(super) fn new(filter: &LedgerFilter, differences: Vec<Difference>) -> Self {
        let answer = |difference| {
            let Difference {
                day,
                automation_id,
                sender_id,
                outcome,
                reason,
                error_code,
                in_ledger,
                in_messages,
            } = difference;
            DifferenceAnswer {
                day,
                automation_id,
                sender_id,
                outcome,
                reason,
                error_code,
                in_ledger,
                in_messages,
            }
        };
        Self {
            time_zone: filter.days.zone().name(),
            differences: differences.into_iter().map(answer).collect(),
        }
    }
}

impl From<ResendPreview> for ResendAnswer {
    fn from(preview: ResendPreview) -> Self {
        let (eligible, left_out) = (preview.eligible(), preview.left_out());
        Self {
            eligible,
            left_out,
            groups: preview.groups.into_iter().map(GroupAnswer::from).collect(),
            ..Self::default()
        }
    }
}

impl From<ResendGroup> for GroupAnswer {
    fn from(group: ResendGroup) -> Self {
        let ResendGroup { outcome, error_code, reason, left_out, count } = group;
        Self {
            outcome: Some(outcome),
            error_code,
            title: title(error_code),
            reason,
            left_out,
            count,
        }
    }
}

impl ResendAnswer {
    /// Creates the preview for a single message, whose cause is not determined.
    pub(super) fn of_one(eligibility: Result<(), LeftOutReason>) -> Self {
        let group = GroupAnswer {
            outcome: None,
            error_code: None,
            title: None,
            reason: None,
            left_out: eligibility.err(),
            count: 1,
        };
        let (eligible, left_out) = if eligibility.is_ok() { (1, 0) } else { (0, 1) };
        Self { eligible, left_out, groups: vec![group], ..Self::default() }
    }

    /// Returns the same response with the new messages.
    pub(super) fn with(self, messages: Vec<MessageId>) -> Self {
        Self { retried: messages.len(), messages, ..self }
    }
}

fn title(error_code: Option<i32>) -> Option<&'static str> {
    error_code.map(|code| error_codes::lookup(code).title)
}
