//! The preview of a resend: how many messages of a selection may be resent, and why the others are
//! not.
//!
//! The ledger counts undelivered messages by cause, and most causes decide about all of their
//! messages. Of the rest, messages that failed before a carrier had them are in `failures` and are
//! checked one by one; the others are `undelivered`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::eligibility::{self, Circumstances, LeftOutReason};
use super::facts_query::{FactRow, circumstances, facts};
use super::selection::{Selection, open_failures};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Cause, Grouping, Ledger};
use crate::messages::status::Resent;
use crate::types::id::{AutomationId, SenderId};

/// Undelivered messages with the same cause, and whether they may be resent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendGroup {
    /// Their outcome.
    pub outcome: Outcome,
    /// Twilio's error code, if they failed with one.
    pub error_code: Option<i32>,
    /// Otherwise the first 200 characters of the reason, if there is one.
    pub reason: Option<String>,
    /// Why they are left out; none if they may be resent.
    pub left_out: Option<LeftOutReason>,
    /// How many there are.
    pub count: i64,
}

/// What a resend would send, and what it would leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResendPreview {
    /// The groups, the largest first.
    pub groups: Vec<ResendGroup>,
}

statement! {
    /// Counts the messages to check one by one, by cause and facts.
    struct CountOpen<'a> {
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
        codes: &'a [i32] => Array<Int4>,
    }
    returns (
        (Text, Nullable<Int4>, Nullable<Text>, Bool, Bool, Bool, Bool, Bool, Bool, Bool),
        BigInt
    ), planned for its values;
    concat!(
        "SELECT f.*, count(*)
     FROM (
         SELECT ",
        facts!(),
        "
         FROM ",
        open_failures!(),
        "
     ) AS f
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    )
}

/// Counts what a selection could resend, and what is left out and why, in one snapshot; changes
/// nothing.
pub async fn preview(conn: &mut Conn, selection: &Selection) -> Result<ResendPreview> {
    let filter = selection.filter();
    let (automation_id, one_off) = filter.automation_and_one_off();
    let (begin, end) = (filter.days.begin(), filter.days.end());
    let codes = eligibility::resendable_codes();
    let count = CountOpen {
        begin,
        end,
        automation_id,
        one_off,
        sender_id: filter.sender_id,
        codes: &codes,
    };
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    let (ledger, open) = snapshot
        .run(async |conn| {
            // Starting parallel workers takes PostgreSQL longer than they save.
            conn.batch_execute("SET LOCAL max_parallel_workers_per_gather = 0").await?;
            let ledger = ledger::read(conn, filter, Grouping::Automation).await?;
            let open: Vec<(FactRow, i64)> = count.load(conn).await?;
            Ok::<_, Error>((ledger, open))
        })
        .await?;
    Ok(ResendPreview::new(ledger, open.into_iter().map(|(row, count)| (circumstances(row), count))))
}

impl ResendPreview {
    fn new(ledger: Ledger, open: impl Iterator<Item = (Circumstances, i64)>) -> Self {
        let mut preview = Self::default();
        let without = |outcome| Cause {
            outcome,
            error_code: None,
            reason: None,
            count: ledger.totals.of(outcome),
        };
        let mut causes = ledger.causes;
        causes.extend([Outcome::Unconfirmed, Outcome::Retried].map(without));
        for (circumstances, count) in open {
            let counted = cause(&circumstances, count);
            // Messages that are checked one by one are not counted again with their cause.
            if let Some(cause) = causes.iter_mut().find(|cause| cause.is_same(&counted)) {
                cause.count -= count;
            }
            preview.add(counted, circumstances.check().err());
        }
        for cause in causes {
            // If the cause decides nothing, these are the messages that a carrier had.
            let left_out =
                eligibility::check_cause(&cause).err().unwrap_or(LeftOutReason::MayHaveArrived);
            preview.add(cause, Some(left_out));
        }
        preview.groups.sort_by_key(|group| {
            (std::cmp::Reverse(group.count), group.left_out, group.error_code)
        });
        preview
    }

    /// How many messages may be resent.
    #[must_use]
    pub fn eligible(&self) -> i64 {
        self.groups.iter().filter(|group| group.left_out.is_none()).map(|group| group.count).sum()
    }

    /// How many undelivered messages are left out.
    #[must_use]
    pub fn left_out(&self) -> i64 {
        self.groups.iter().filter(|group| group.left_out.is_some()).map(|group| group.count).sum()
    }

    fn add(&mut self, cause: Cause, left_out: Option<LeftOutReason>) {
        let Cause { outcome, error_code, reason, count } = cause;
        if count <= 0 {
            return;
        }
        let same = |known: &&mut ResendGroup| {
            (known.outcome, known.error_code, &known.reason, known.left_out)
                == (outcome, error_code, &reason, left_out)
        };
        match self.groups.iter_mut().find(same) {
            Some(known) => known.count += count,
            None => self.groups.push(ResendGroup { outcome, error_code, reason, left_out, count }),
        }
    }
}

/// The cause under which the ledger counts a message.
fn cause(circumstances: &Circumstances, count: i64) -> Cause {
    let outcome = circumstances.status.outcome(Resent::No).unwrap_or(Outcome::Failed);
    let (error_code, reason) = match (outcome, circumstances.error_code) {
        (Outcome::Failed, Some(code)) => (Some(code), None),
        _ => (None, circumstances.reason.clone()),
    };
    Cause { outcome, error_code, reason, count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Counts;
    use crate::messages::claim::EXPIRED;
    use crate::messages::resend::eligibility::Facts;
    use crate::messages::status::MessageStatus;

    #[test]
    fn every_message_that_did_not_arrive_is_in_one_group() {
        let cause = |outcome, error_code, reason: Option<&str>, count| Cause {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            count,
        };
        let totals = Counts {
            failed: 61,
            suppressed: 3,
            skipped: 9,
            unconfirmed: 2,
            retried: 4,
            ..Counts::default()
        };
        let causes = vec![
            cause(Outcome::Failed, Some(30001), None, 30),
            cause(Outcome::Failed, Some(21610), None, 20),
            cause(Outcome::Failed, None, Some("Refused."), 11),
            cause(Outcome::Suppressed, None, Some("stop"), 3),
            cause(Outcome::Skipped, None, Some(EXPIRED), 4),
            cause(Outcome::Skipped, None, Some("A rule."), 5),
        ];
        let found = |status, error_code, reason: &str, at_carrier| Circumstances {
            status,
            error_code,
            reason: Some(reason.to_owned()),
            facts: Facts { has_contact: true, has_content: true, at_carrier, ..Facts::default() },
        };
        let open = [
            (found(MessageStatus::Failed, Some(30001), "Twilio’s words.", false), 12),
            (found(MessageStatus::Failed, Some(30001), "Twilio’s words.", true), 1),
            (found(MessageStatus::Failed, None, "Refused.", false), 11),
            (found(MessageStatus::Expired, Some(30001), EXPIRED, false), 4),
        ];
        let preview =
            ResendPreview::new(Ledger { totals, rows: Vec::new(), causes }, open.into_iter());
        let of = |left_out| {
            preview
                .groups
                .iter()
                .filter(|group| group.left_out == left_out)
                .map(|group| group.count)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(None), [12, 11, 4]);
        assert_eq!(
            of(Some(LeftOutReason::MayHaveArrived)),
            [18],
            "what a report names and what is undelivered, for one cause"
        );
        assert_eq!(
            (
                of(Some(LeftOutReason::WouldFailAgain)),
                of(Some(LeftOutReason::Suppressed)),
                of(Some(LeftOutReason::OnPurpose))
            ),
            (vec![20], vec![3], vec![5])
        );
        assert_eq!(
            (of(Some(LeftOutReason::Unconfirmed)), of(Some(LeftOutReason::AlreadyResent))),
            (vec![2], vec![4])
        );
        assert_eq!(preview.eligible() + preview.left_out(), 61 + 3 + 9 + 2 + 4);
    }
}
