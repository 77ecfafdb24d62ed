//! The slow path for all outcomes: a batch in a handful of statements, each outcome applied to the
//! current state of its message.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::submit_outcome::SubmitOutcome;
use crate::consent::suppression;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::attempt::AttemptOutcome;
use crate::messages::error_policy::{self, Consequence, Decision};
use crate::messages::row_locks::{Lock, LockedMessage};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::queue::{self, Job, NewJob};
use crate::twilio::{Address, CreatedMessage, SendError, error_codes};
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// How soon Twilio's list is checked for a message whose response was lost; its callback is usually
/// faster.
const FIRST_CHECK_AFTER: TimeDelta = TimeDelta::seconds(5);

/// The next step of a message after its outcome is recorded.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp {
    /// The message.
    pub message_id: MessageId,
    /// When to try again; none for no retry.
    pub retry_at: Option<DateTime<Utc>>,
}

/// The next steps of a batch after its outcomes are recorded.
#[must_use = "what follows has to happen in the same transaction: \
              automations::consequences::apply"]
#[derive(Debug)]
pub struct FollowUps {
    /// One for each outcome, in order.
    pub messages: Vec<FollowUp>,
    /// What else must happen.
    pub consequences: Vec<Consequence>,
}

statement! {
    /// Writes the new state of messages and closes their attempts. A later attempt replaces the
    /// error code of an earlier one, and delivery clears it.
    struct Write<'a> {
        settled: batch of WriteRow<'a> {
            id: MessageId => SqlUuid,
            status: MessageStatus => Text,
            error_code: Option<i32> => Nullable<Int4>,
            sid: Option<&'a str> => Nullable<Text>,
            from_address: Option<&'a str> => Nullable<Text>,
            attempt: i16 => Int2,
            outcome: AttemptOutcome => Text,
            http_status: Option<i16> => Nullable<Int2>,
            answer_code: Option<i32> => Nullable<Int4>,
            request_id: Option<&'a str> => Nullable<Text>,
            duration_ms: i32 => Int4,
            finished_at: DateTime<Utc> => Timestamptz,
            event: Option<MessageStatus> => Nullable<Text>,
            source: ReportSource => Text,
        },
    }
    returns ();
    "WITH outcome AS (
         SELECT * FROM {settled}
     ), closed AS (
         UPDATE attempts t
         SET finished_at = o.finished_at, outcome = o.outcome, http_status = o.http_status,
             error_code = o.answer_code, twilio_request_id = o.request_id,
             duration_ms = o.duration_ms
         FROM outcome o
         WHERE t.message_id = o.id AND t.number = o.attempt
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, error_code, applied, received_at)
         SELECT id, event, source, error_code, event = status, finished_at
         FROM outcome
         WHERE event IS NOT NULL
     )
     UPDATE messages m
     SET status = o.status,
         status_at = CASE WHEN m.status = o.status THEN m.status_at ELSE o.finished_at END,
         error_code = CASE
             WHEN o.status IN ('delivered', 'read') THEN NULL
             WHEN m.status = 'submitting' THEN o.error_code
             ELSE coalesce(o.error_code, m.error_code)
         END,
         twilio_sid = coalesce(m.twilio_sid, o.sid),
         from_address = coalesce(m.from_address, o.from_address)
     FROM outcome o
     WHERE m.id = o.id"
}

statement! {
    /// Finds the attempts that a later attempt of the same message has superseded; the messages are
    /// locked.
    struct Superseded {
        attempt: batch of SupersededRow { id: MessageId => SqlUuid, number: i16 => Int2 },
    }
    returns SqlUuid;
    "SELECT attempt.id FROM {attempt}
     WHERE EXISTS (
         SELECT FROM attempts WHERE message_id = attempt.id AND attempts.number > attempt.number
     )"
}

statement! {
    /// Counts, for each message, the earlier refusals with one of these codes.
    struct Refusals<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        codes: &'a [i32] => Array<Int4>,
    }
    returns (SqlUuid, BigInt);
    "SELECT message_id, count(*)
     FROM attempts
     WHERE message_id = ANY ({ids}) AND outcome = 'refused' AND error_code = ANY ({codes})
     GROUP BY message_id"
}

/// Records the outcomes of a batch of attempts, at most one for each message, in the caller's
/// transaction.
///
/// A worker that was suspended may report after another has taken over. If a later attempt exists,
/// that one decides. If the message became `unconfirmed` and this attempt certainly sent nothing,
/// the message returns to `pending` with a new job, since the worker's job may be gone.
pub async fn record(
    conn: &mut Conn,
    outcomes: &[&SubmitOutcome],
    now: DateTime<Utc>,
) -> Result<FollowUps> {
    let consequences: Vec<Consequence> =
        outcomes.iter().copied().filter_map(Consequence::of).collect();
    let suppressed: Vec<PhoneNumber> = consequences
        .iter()
        .filter_map(Consequence::number_to_suppress)
        .map(|(phone, _)| phone)
        .collect();
    suppression::lock_numbers(conn, &suppressed.iter().collect::<Vec<_>>()).await?;

    let ids: Vec<MessageId> = outcomes.iter().map(|outcome| outcome.claimed.message_id).collect();
    let locked: Vec<LockedMessage> = Lock { ids: &ids }.load(conn).await?;
    let current: HashMap<MessageId, &LockedMessage> =
        locked.iter().map(|row| (row.0, row)).collect();
    let superseded = superseded(conn, outcomes).await?;
    let refusals = earlier_refusals(conn, outcomes).await?;
    let settled: Vec<Settled<'_>> = outcomes
        .iter()
        .map(|outcome| {
            let id = outcome.claimed.message_id;
            let decision =
                error_policy::decide(outcome, refusals.get(&id).copied().unwrap_or(0), now);
            Settled::of(outcome, decision, current.get(&id).copied(), superseded.contains(&id))
        })
        .collect();
    Write { settled: settled.iter().map(Settled::row).collect() }.execute(conn).await?;

    let unconfirmed = settled.iter().filter(|settled| settled.status == MessageStatus::Unconfirmed);
    let checks: Vec<NewJob> = unconfirmed
        .map(|settled| NewJob {
            job: Job::Settle(settled.outcome.claimed.message_id),
            run_at: now + FIRST_CHECK_AFTER,
        })
        .collect();
    queue::enqueue(conn, &checks, now).await?;
    let revived = settled
        .iter()
        .filter(|settled| settled.revived)
        .map(|settled| settled.outcome.claimed.message_id);
    queue::enqueue_sends(conn, &revived.collect::<Vec<_>>(), now).await?;

    let messages = settled.iter().map(|settled| FollowUp {
        message_id: settled.outcome.claimed.message_id,
        retry_at: settled
            .decision
            .retry_at
            .filter(|_| settled.status == MessageStatus::Pending && !settled.revived),
    });
    Ok(FollowUps { messages: messages.collect(), consequences })
}

/// The messages whose attempts in this batch are superseded.
async fn superseded(conn: &mut Conn, outcomes: &[&SubmitOutcome]) -> Result<HashSet<MessageId>> {
    let rows = outcomes.iter().map(|outcome| SupersededRow {
        id: outcome.claimed.message_id,
        number: outcome.claimed.attempt,
    });
    let found: Vec<MessageId> = Superseded { attempt: rows.collect() }.load(conn).await?;
    Ok(found.into_iter().collect())
}

/// How often each message was refused before with a code that counts; queries only the messages for
/// which that matters.
async fn earlier_refusals(
    conn: &mut Conn,
    outcomes: &[&SubmitOutcome],
) -> Result<HashMap<MessageId, i16>> {
    let ids: Vec<MessageId> = outcomes
        .iter()
        .filter(|outcome| error_policy::depends_on_refusals(outcome))
        .map(|outcome| outcome.claimed.message_id)
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let codes: Vec<i32> = error_codes::all()
        .iter()
        .filter(|code| error_policy::counts_as_refusal(code))
        .map(|code| code.code)
        .collect();
    let counted: Vec<(MessageId, i64)> = Refusals { ids: &ids, codes: &codes }.load(conn).await?;
    Ok(counted
        .into_iter()
        .map(|(id, count)| (id, i16::try_from(count).unwrap_or(i16::MAX)))
        .collect())
}

/// An outcome with the resulting state of its message.
struct Settled<'a> {
    outcome: &'a SubmitOutcome,
    decision: Decision,
    status: MessageStatus,
    sid: Option<&'a str>,
    from_address: Option<String>,
    /// Whether the message was `unconfirmed` and returns to `pending`, because the attempt sent
    /// nothing.
    revived: bool,
}

impl<'a> Settled<'a> {
    fn of(
        outcome: &'a SubmitOutcome,
        decision: Decision,
        current: Option<&LockedMessage>,
        superseded: bool,
    ) -> Self {
        let receipt = outcome.answer.as_ref().ok();
        let sid = receipt.map(|receipt| receipt.sid.as_str());
        let from_address = receipt.and_then(|receipt| receipt.from.as_ref().map(Address::to_wire));
        let settled =
            Self { outcome, decision, status: decision.status, sid, from_address, revived: false };
        let Some((_, current, _, _, former_sids)) = current else { return settled };
        // A faster callback said that Twilio dropped this attempt: the message is being retried,
        // and the response is out of date.
        let is_former =
            sid.is_some_and(|sid| former_sids.iter().flatten().any(|former| former == sid));
        // A later attempt exists: of this one, only an acceptance still matters.
        if is_former || (superseded && receipt.is_none()) {
            return Self { status: *current, sid: None, from_address: None, ..settled };
        }
        let revived = *current == MessageStatus::Unconfirmed && outcome.sent_nothing();
        let status =
            if revived { MessageStatus::Pending } else { next_status(*current, decision.status) };
        Self { status, revived, ..settled }
    }

    /// The row to write.
    fn row(&self) -> WriteRow<'_> {
        let SubmitOutcome { claimed, answer, finished_at, duration_ms } = self.outcome;
        let answer_code = answer.as_ref().err().and_then(SendError::code);
        WriteRow {
            id: claimed.message_id,
            status: self.status,
            error_code: self.decision.error_code,
            sid: self.sid,
            from_address: self.from_address.as_deref(),
            attempt: claimed.attempt,
            outcome: attempt_outcome(answer),
            http_status: http_status(answer),
            answer_code: answer_code.or(self.decision.error_code),
            request_id: self.outcome.request_id(),
            duration_ms: *duration_ms,
            finished_at: *finished_at,
            event: self.event(),
            source: source(answer),
        }
    }

    /// The status to store as a delivery event; a return to `pending` shows in the attempts only.
    fn event(&self) -> Option<MessageStatus> {
        Some(self.decision.status)
            .filter(|status| *status != MessageStatus::Pending || self.revived)
    }
}

/// The new status: the decision, for a message that is still `submitting`; a message that a
/// callback has moved on only moves forward.
fn next_status(current: MessageStatus, decided: MessageStatus) -> MessageStatus {
    if current == MessageStatus::Submitting {
        decided
    } else {
        current.after(decided).unwrap_or(current)
    }
}

fn attempt_outcome(answer: &std::result::Result<CreatedMessage, SendError>) -> AttemptOutcome {
    match answer {
        Ok(_) => AttemptOutcome::Accepted,
        Err(SendError::Refused { .. }) => AttemptOutcome::Refused,
        Err(SendError::Busy { .. }) => AttemptOutcome::Busy,
        Err(SendError::NotSent { .. }) => AttemptOutcome::NotSent,
        Err(SendError::TooLate { .. }) => AttemptOutcome::HeldBack,
        Err(SendError::Unknown { .. }) => AttemptOutcome::Unknown,
    }
}

fn http_status(answer: &std::result::Result<CreatedMessage, SendError>) -> Option<i16> {
    match answer {
        Ok(_) => Some(201),
        Err(error) => error.http_status().and_then(|status| i16::try_from(status).ok()),
    }
}

fn source(answer: &std::result::Result<CreatedMessage, SendError>) -> ReportSource {
    match answer {
        Ok(_) | Err(SendError::Refused { .. }) => ReportSource::Response,
        Err(_) => ReportSource::Carillon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_was_faster_is_not_undone_by_the_answer() {
        use MessageStatus::{Delivered, Failed, Pending, Queued, Sent, Submitting, Unconfirmed};
        assert_eq!(next_status(Submitting, Queued), Queued);
        assert_eq!(next_status(Sent, Queued), Sent);
        assert_eq!(next_status(Delivered, Unconfirmed), Delivered);
        assert_eq!(next_status(Sent, Pending), Sent);
        assert_eq!(next_status(Submitting, Failed), Failed);
    }
}
