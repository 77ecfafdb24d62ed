//! Recording what came of a call to Twilio: many outcomes in a handful of statements, each applied to what is true by then.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::{
    contacts::suppressions::Reason,
    db::{Conn, statement::statement},
    error::Result,
    messages::{claim::Claimed, delivery::ReportSource, status::MessageStatus},
    queue::{self, Job, NewJob, lease},
    twilio::{Address, CreatedMessage, Disposition, SendError, Wait},
    types::{id::MessageId, text_enum::text_enum},
};

/// How often a message is tried again before it is shown as failed; busy answers do not count.
const MOST_ATTEMPTS: i16 = 8;

/// How soon Twilio is asked about a message whose answer was lost; its callback is usually faster.
const FIRST_LOOK: TimeDelta = TimeDelta::seconds(5);

/// What came of one attempt.
#[derive(Debug)]
pub struct Outcome {
    /// The claim that the attempt used up.
    pub claimed: Claimed,
    /// Twilio's answer, or why there is none.
    pub answer: std::result::Result<CreatedMessage, SendError>,
    /// When it was known.
    pub finished_at: DateTime<Utc>,
    /// How long Twilio took, in milliseconds.
    pub duration_ms: i32,
}

text_enum! {
    /// The outcome of an attempt, as the database writes it.
    pub enum AttemptOutcome {
        /// Twilio has the message.
        Accepted = "accepted",
        /// Twilio refused it with an error code: it does not have the message.
        Refused = "refused",
        /// Twilio was too busy to look at it: it does not have the message.
        Busy = "busy",
        /// The request never left: Twilio does not have the message.
        NotSent = "not_sent",
        /// Nobody can know from the answer.
        Unknown = "unknown",
    }
}

/// What must happen besides the message's own row; rare, and done by the caller in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The number may not be texted any more.
    Suppress(Reason),
    /// The sender cannot send; an admin must look.
    StopSender,
    /// Twilio refuses the whole account; an admin must look.
    StopConnection,
}

/// What the outcome of an attempt means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The status to report; our own ones (`pending`, `unconfirmed`, `failed`) apply only to a message that is still `submitting`.
    pub status: MessageStatus,
    /// When to try again; only with `pending`. Without it a `pending` message waits until it is woken.
    pub retry_at: Option<DateTime<Utc>>,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// What else must happen.
    pub effect: Option<Effect>,
}

/// Decides what an answer means. `attempt` counts from 1.
#[must_use]
pub fn decide(answer: &std::result::Result<CreatedMessage, SendError>, attempt: i16, now: DateTime<Utc>) -> Decision {
    let plain = |status| Decision { status, retry_at: None, error_code: None, effect: None };
    let again = |delay: TimeDelta| Decision { retry_at: Some(now + delay), ..plain(MessageStatus::Pending) };
    match answer {
        Ok(created) => {
            let status = created.status.as_str().parse().ok().filter(|status: &MessageStatus| status.is_reported_by_twilio());
            Decision { error_code: created.error_code, ..plain(status.unwrap_or(MessageStatus::Queued)) }
        }
        Err(SendError::Busy { .. }) => again(lease::backoff(attempt.min(5))),
        Err(SendError::NotSent { .. }) if attempt >= MOST_ATTEMPTS => plain(MessageStatus::Failed),
        Err(SendError::NotSent { .. }) => again(lease::backoff(attempt)),
        Err(SendError::Unknown { .. }) => plain(MessageStatus::Unconfirmed),
        Err(refusal) => Decision { error_code: refusal.code(), ..refused(refusal.disposition(), attempt, now) },
    }
}

fn refused(disposition: Disposition, attempt: i16, now: DateTime<Utc>) -> Decision {
    let failed = |effect| Decision { status: MessageStatus::Failed, retry_at: None, error_code: None, effect };
    let pending = |retry_at, effect| Decision { status: MessageStatus::Pending, retry_at, error_code: None, effect };
    match disposition {
        Disposition::OptedOut => failed(Some(Effect::Suppress(Reason::Carrier21610))),
        Disposition::BadNumber => failed(Some(Effect::Suppress(Reason::InvalidNumber))),
        Disposition::SenderBroken => pending(None, Some(Effect::StopSender)),
        Disposition::AccountBroken => pending(None, Some(Effect::StopConnection)),
        Disposition::Ambiguous => Decision { status: MessageStatus::Unconfirmed, ..failed(None) },
        Disposition::RetryAfter(_) if attempt >= MOST_ATTEMPTS => failed(None),
        Disposition::RetryAfter(wait) => {
            let delay = match wait {
                Wait::Backoff => lease::backoff(attempt),
                Wait::Later => TimeDelta::hours(1),
                Wait::NextDay => TimeDelta::hours(24),
            };
            pending(Some(now + delay), None)
        }
        Disposition::Reject => failed(None),
    }
}

/// What a recorded message needs next.
#[derive(Debug, Clone, Copy)]
pub struct RecordedOutcome {
    /// The message.
    pub message_id: MessageId,
    /// When its sending is tried again, if it is.
    pub retry_at: Option<DateTime<Utc>>,
    /// What else must happen, in the same transaction.
    pub effect: Option<Effect>,
}

statement! {
    /// Locks messages in a fixed order, so that two batches with the same messages cannot wait for each other.
    pub(super) struct Lock<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns (SqlUuid, Text, Nullable<Text>, SqlUuid);
    "SELECT id, status, twilio_sid, connection_id FROM messages WHERE id = ANY ({}::uuid[]) ORDER BY id FOR NO KEY UPDATE"
}

statement! {
    /// Writes the new state of messages and closes their attempts. The error code of an earlier attempt goes with a later one.
    struct Write<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        statuses: &'a [MessageStatus] => Array<Text>,
        error_codes: &'a [Option<i32>] => Array<Nullable<Int4>>,
        reasons: &'a [Option<&'static str>] => Array<Nullable<Text>>,
        sids: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        from_addresses: &'a [Option<String>] => Array<Nullable<Text>>,
        attempts: &'a [i16] => Array<Int2>,
        outcomes: &'a [AttemptOutcome] => Array<Text>,
        http_statuses: &'a [Option<i16>] => Array<Nullable<Int2>>,
        request_ids: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        durations: &'a [i32] => Array<Int4>,
        finished_ats: &'a [DateTime<Utc>] => Array<Timestamptz>,
        events: &'a [Option<MessageStatus>] => Array<Nullable<Text>>,
        sources: &'a [ReportSource] => Array<Text>,
    }
    returns ();
    "WITH outcome AS (
        SELECT * FROM unnest({}::uuid[], {}::text[], {}::int[], {}::text[], {}::text[], {}::text[], {}::smallint[], {}::text[],
            {}::smallint[], {}::text[], {}::int[], {}::timestamptz[], {}::text[], {}::text[])
            AS o (id, status, error_code, reason, sid, from_address, attempt, outcome, http_status, request_id, duration_ms, finished_at,
                  event, source)
     ), closed AS (
        UPDATE attempts t SET finished_at = o.finished_at, outcome = o.outcome, http_status = o.http_status,
            error_code = o.error_code, twilio_request_id = o.request_id, duration_ms = o.duration_ms
        FROM outcome o WHERE t.message_id = o.id AND t.number = o.attempt
     ), noted AS (
        INSERT INTO delivery_events (message_id, status, source, error_code, applied, received_at)
        SELECT id, event, source, error_code, event = status, finished_at FROM outcome WHERE event IS NOT NULL
     )
     UPDATE messages m SET status = o.status, status_at = CASE WHEN m.status = o.status THEN m.status_at ELSE o.finished_at END,
        error_code = CASE WHEN m.status = 'submitting' THEN o.error_code ELSE coalesce(o.error_code, m.error_code) END,
        reason = coalesce(o.reason, m.reason), twilio_sid = coalesce(m.twilio_sid, o.sid), from_address = coalesce(m.from_address, o.from_address)
     FROM outcome o WHERE m.id = o.id"
}

/// Records what came of a batch of attempts, each message at most once in it; in the caller's transaction.
pub async fn record(conn: &mut Conn, outcomes: &[Outcome], now: DateTime<Utc>) -> Result<Vec<RecordedOutcome>> {
    let ids: Vec<MessageId> = outcomes.iter().map(|outcome| outcome.claimed.message_id).collect();
    let locked: Vec<(MessageId, MessageStatus, Option<String>, uuid::Uuid)> = Lock { ids: &ids }.load(conn).await?;
    let current: HashMap<MessageId, MessageStatus> = locked.iter().map(|(id, status, _, _)| (*id, *status)).collect();

    let decisions: Vec<Decision> = outcomes.iter().map(|outcome| decide(&outcome.answer, outcome.claimed.attempt, now)).collect();
    let statuses: Vec<MessageStatus> = outcomes
        .iter()
        .zip(&decisions)
        .map(|(outcome, decision)| {
            let current = current.get(&outcome.claimed.message_id).copied().unwrap_or(decision.status);
            next_status(current, decision.status)
        })
        .collect();
    write(conn, outcomes, &decisions, &statuses).await?;

    let looks: Vec<NewJob> = ids
        .iter()
        .zip(&statuses)
        .filter(|(_, status)| **status == MessageStatus::Unconfirmed)
        .map(|(id, _)| NewJob { job: Job::Settle(*id), run_at: now + FIRST_LOOK })
        .collect();
    queue::enqueue(conn, &looks, now).await?;

    let recorded = ids.iter().zip(&decisions).zip(&statuses).map(|((id, decision), status)| RecordedOutcome {
        message_id: *id,
        retry_at: decision.retry_at.filter(|_| *status == MessageStatus::Pending),
        effect: decision.effect,
    });
    Ok(recorded.collect())
}

/// A message that is still `submitting` takes what was decided; one that a callback has moved on meanwhile only moves forward.
fn next_status(current: MessageStatus, decided: MessageStatus) -> MessageStatus {
    if current == MessageStatus::Submitting { decided } else { current.after(decided).unwrap_or(current) }
}

async fn write(conn: &mut Conn, outcomes: &[Outcome], decisions: &[Decision], statuses: &[MessageStatus]) -> Result<()> {
    let ids: Vec<MessageId> = outcomes.iter().map(|outcome| outcome.claimed.message_id).collect();
    let error_codes: Vec<Option<i32>> = decisions.iter().map(|decision| decision.error_code).collect();
    let reasons: Vec<Option<&'static str>> = outcomes
        .iter()
        .zip(decisions)
        .map(|(outcome, decision)| match outcome.answer {
            Err(SendError::NotSent { .. }) if decision.status == MessageStatus::Failed => {
                Some("Twilio could not be reached, although it was tried several times.")
            }
            _ => None,
        })
        .collect();
    let sids: Vec<Option<&str>> = outcomes.iter().map(|outcome| Some(outcome.answer.as_ref().ok()?.sid.as_str())).collect();
    let from_addresses: Vec<Option<String>> =
        outcomes.iter().map(|outcome| outcome.answer.as_ref().ok()?.from.as_ref().map(Address::to_wire)).collect();
    let attempts: Vec<i16> = outcomes.iter().map(|outcome| outcome.claimed.attempt).collect();
    let kinds: Vec<AttemptOutcome> = outcomes.iter().map(|outcome| kind(&outcome.answer)).collect();
    let http_statuses: Vec<Option<i16>> = outcomes.iter().map(|outcome| http_status(&outcome.answer)).collect();
    let request_ids: Vec<Option<&str>> = outcomes.iter().map(|outcome| request_id(&outcome.answer)).collect();
    let durations: Vec<i32> = outcomes.iter().map(|outcome| outcome.duration_ms).collect();
    let finished_ats: Vec<DateTime<Utc>> = outcomes.iter().map(|outcome| outcome.finished_at).collect();
    // A message that goes back to `pending` leaves its trace in the attempts alone.
    let events: Vec<Option<MessageStatus>> =
        decisions.iter().map(|decision| Some(decision.status).filter(|status| *status != MessageStatus::Pending)).collect();
    let sources: Vec<ReportSource> = outcomes.iter().map(|outcome| source(&outcome.answer)).collect();
    Write {
        ids: &ids,
        statuses,
        error_codes: &error_codes,
        reasons: &reasons,
        sids: &sids,
        from_addresses: &from_addresses,
        attempts: &attempts,
        outcomes: &kinds,
        http_statuses: &http_statuses,
        request_ids: &request_ids,
        durations: &durations,
        finished_ats: &finished_ats,
        events: &events,
        sources: &sources,
    }
    .execute(conn)
    .await?;
    Ok(())
}

fn kind(answer: &std::result::Result<CreatedMessage, SendError>) -> AttemptOutcome {
    match answer {
        Ok(_) => AttemptOutcome::Accepted,
        Err(SendError::Refused { .. }) => AttemptOutcome::Refused,
        Err(SendError::Busy { .. }) => AttemptOutcome::Busy,
        Err(SendError::NotSent { .. }) => AttemptOutcome::NotSent,
        Err(SendError::Unknown { .. }) => AttemptOutcome::Unknown,
    }
}

fn http_status(answer: &std::result::Result<CreatedMessage, SendError>) -> Option<i16> {
    match answer {
        Ok(_) => Some(201),
        Err(SendError::Refused { http_status, .. }) => i16::try_from(*http_status).ok(),
        Err(SendError::Busy { .. }) => Some(429),
        Err(SendError::NotSent { .. } | SendError::Unknown { .. }) => None,
    }
}

fn request_id(answer: &std::result::Result<CreatedMessage, SendError>) -> Option<&str> {
    let exchange = match answer {
        Ok(created) => &created.exchange,
        Err(error) => error.exchange(),
    };
    exchange.request_id.as_deref()
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
    use crate::twilio::{Exchange, errors};

    fn refused(code: i32) -> std::result::Result<CreatedMessage, SendError> {
        Err(SendError::Refused { code: Some(code), http_status: 400, message: String::new(), exchange: Exchange::default() })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    #[test]
    fn nothing_that_twilio_may_have_is_ever_tried_again() {
        let lost = Err(SendError::Unknown { why: "no answer".to_owned(), exchange: Exchange::default() });
        let decision = decide(&lost, 1, now());
        assert_eq!((decision.status, decision.retry_at), (MessageStatus::Unconfirmed, None));
        for code in errors::all().iter().filter(|error| error.disposition() == Disposition::Ambiguous) {
            let decision = decide(&refused(code.code), 1, now());
            assert_eq!((decision.status, decision.retry_at), (MessageStatus::Unconfirmed, None), "{}", code.code);
        }
    }

    #[test]
    fn a_busy_twilio_is_tried_again_for_as_long_as_it_takes() {
        for attempt in [1, 50] {
            let decision = decide(&Err(SendError::Busy { exchange: Exchange::default() }), attempt, now());
            assert_eq!(decision.status, MessageStatus::Pending);
            assert!(decision.retry_at.is_some_and(|at| at > now() && at <= now() + TimeDelta::minutes(1)));
        }
    }

    #[test]
    fn an_unreachable_twilio_is_given_up_after_some_attempts() {
        let unreachable = Err(SendError::NotSent { why: "no route".to_owned(), exchange: Exchange::default() });
        assert_eq!(decide(&unreachable, 1, now()).status, MessageStatus::Pending);
        assert_eq!(decide(&unreachable, MOST_ATTEMPTS, now()).status, MessageStatus::Failed);
    }

    #[test]
    fn the_error_code_decides_whom_it_concerns() {
        let effect = |code| decide(&refused(code), 1, now()).effect;
        assert_eq!(effect(21_610), Some(Effect::Suppress(Reason::Carrier21610)));
        assert_eq!(effect(21_211), Some(Effect::Suppress(Reason::InvalidNumber)));
        assert_eq!(effect(21_606), Some(Effect::StopSender));
        assert_eq!(effect(20_003), Some(Effect::StopConnection));
        assert_eq!(effect(21_617), None);
        assert_eq!(decide(&refused(21_617), 1, now()).status, MessageStatus::Failed);
        assert_eq!(decide(&refused(99_999), 1, now()).status, MessageStatus::Failed, "unknown codes are not repeated");
    }

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
