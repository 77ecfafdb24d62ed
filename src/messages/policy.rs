//! The error policy: what Twilio's words mean for a message, and for whatever else is concerned.
//! `twilio/errors/table.rs` has the data.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;

use crate::consent::Reason;
use crate::messages::status::MessageStatus;
use crate::messages::submit::outcome::SubmitOutcome;
use crate::queue::lease;
use crate::twilio::errors::{self, ErrorCode};
use crate::twilio::{Disposition, SendError, Wait};
use crate::types::id::{ConnectionId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

/// How often Twilio may refuse a message with a code that is worth another try; answers that only
/// say “not now” do not count.
const MAX_REFUSALS: i16 = 8;

/// The same for codes that need hours or days.
const MAX_LATE_REFUSALS: i16 = 4;

/// How often a message that Twilio had accepted and then dropped unsent is handed over once more; a
/// full queue does not count.
pub(super) const MAX_RETRIES: usize = 3;

/// Up to this attempt, one that came too late is followed by the next at once.
const MAX_AT_ONCE: i16 = 3;

/// How long a message waits whose sender's queue at Twilio is full.
pub const QUEUE_FULL_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// What must happen besides the message's own row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The number may not be texted any more.
    Suppress(Reason),
    /// The sender cannot send; an admin must look.
    StopSender,
    /// Twilio refuses the whole account; an admin must look.
    StopConnection,
    /// The sender's queue at Twilio is full: it sends nothing for a while.
    SlowSender,
}

/// An effect with what it concerns; the caller of the recording sees to it in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// What must happen.
    pub effect: Effect,
    /// The message that brought it up.
    pub message_id: MessageId,
    /// Its connection.
    pub connection_id: ConnectionId,
    /// Its sender.
    pub sender_id: Option<SenderId>,
    /// Whom it was for.
    pub to_address: String,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// What is wrong and what to do, in sentences.
    pub why: String,
}

/// What the outcome of an attempt means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The status to report; our own ones (`pending`, `unconfirmed`, `failed`) apply only to a
    /// message that is still `submitting`.
    pub status: MessageStatus,
    /// When to try again; only with `pending`. Without it a `pending` message waits until it is
    /// woken.
    pub retry_at: Option<DateTime<Utc>>,
    /// Twilio's error code, as far as it says something about the message.
    pub error_code: Option<i32>,
    /// What else must happen.
    pub effect: Option<Effect>,
}

/// Decides what an answer means. `refusals` says how often the message was refused before with a
/// code that [`counts`].
#[must_use]
pub fn decide(outcome: &SubmitOutcome, refusals: i16, now: DateTime<Utc>) -> Decision {
    let plain = |status| Decision { status, retry_at: None, error_code: None, effect: None };
    let (id, attempt) = (outcome.claimed.message_id, outcome.claimed.attempt);
    let again = |wait: TimeDelta| Decision {
        retry_at: Some(now + with_jitter(id, attempt, wait)),
        ..plain(MessageStatus::Pending)
    };
    match &outcome.answer {
        Ok(created) => {
            let status = created
                .status
                .as_str()
                .parse()
                .ok()
                .filter(|status: &MessageStatus| status.is_reported_by_twilio());
            let status = status.unwrap_or(MessageStatus::Queued);
            Decision { error_code: created.error_code, effect: effect_of(outcome), ..plain(status) }
        }
        // Neither was processed, however often it happens: the message's validity ends it, not a
        // count.
        Err(SendError::Busy { .. }) => again(lease::backoff(attempt.min(5))),
        Err(SendError::NotSent { .. }) => again(lease::backoff(attempt.min(8))),
        // Nothing stands against it that is known: it is judged at once, unless that has been too
        // slow time and again.
        Err(SendError::TooLate { .. }) if attempt <= MAX_AT_ONCE => {
            Decision { retry_at: Some(now), ..plain(MessageStatus::Pending) }
        }
        Err(SendError::TooLate { .. }) => again(lease::backoff((attempt - MAX_AT_ONCE).min(5))),
        Err(SendError::Unknown { .. }) => plain(MessageStatus::Unconfirmed),
        Err(refusal) => {
            let (status, retry_at) = match refusal.disposition() {
                Disposition::Ambiguous => (MessageStatus::Unconfirmed, None),
                Disposition::SenderBroken | Disposition::AccountBroken => {
                    (MessageStatus::Pending, None)
                }
                Disposition::RetryAfter(wait) => match pause(wait, id, attempt, refusals, now) {
                    Some(at) => (MessageStatus::Pending, Some(at)),
                    None => (MessageStatus::Failed, None),
                },
                Disposition::Reject
                | Disposition::OptedOut
                | Disposition::BadNumber
                | Disposition::NumberBlocked => (MessageStatus::Failed, None),
            };
            Decision {
                retry_at,
                error_code: refusal.code(),
                effect: effect_of(outcome),
                ..plain(status)
            }
        }
    }
}

/// When to try a refused message again; none when it has been refused often enough.
fn pause(
    wait: Wait,
    id: MessageId,
    attempt: i16,
    refusals: i16,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let most = if wait == Wait::Backoff { MAX_REFUSALS } else { MAX_LATE_REFUSALS };
    let at = match wait {
        Wait::QueueFull => return Some(now + with_jitter(id, attempt, QUEUE_FULL_PAUSE)),
        Wait::Backoff => now + with_jitter(id, attempt, lease::backoff(refusals + 1)),
        Wait::Later => {
            now + with_jitter(id, attempt, TimeDelta::hours(1_i64 << refusals.clamp(0, 3)))
        }
        Wait::NextDay => next_day(id, now),
    };
    (refusals + 1 < most).then_some(at)
}

/// Whether a refusal with this code uses up one of the tries that a message has.
#[must_use]
pub fn counts(code: &ErrorCode) -> bool {
    matches!(code.on_refusal(), Disposition::RetryAfter(wait) if wait != Wait::QueueFull)
}

/// Whether the refusals before this outcome matter for what is decided.
pub(super) fn minds_refusals(outcome: &SubmitOutcome) -> bool {
    let code = outcome.answer.as_ref().err().and_then(SendError::code);
    matches!(outcome.answer, Err(SendError::Refused { .. }))
        && code.is_some_and(|code| counts(&errors::lookup(code)))
}

/// What the outcome of an attempt demands besides the message's own row.
pub(super) fn effect_of(outcome: &SubmitOutcome) -> Option<Effect> {
    match &outcome.answer {
        Ok(created) => {
            let status = created.status.as_str().parse().ok();
            created.error_code.and_then(|code| effect_of_report(code, status))
        }
        Err(error) => effect(error.disposition()),
    }
}

/// What a report demands besides the message's own row. A 21610 counts whatever it is said of; the
/// others only where a message failed.
pub(super) fn effect_of_report(code: i32, status: Option<MessageStatus>) -> Option<Effect> {
    let disposition = errors::lookup(code).on_report();
    let on_its_way = status.is_some_and(|status| {
        status.is_reported_by_twilio()
            && !matches!(
                status,
                MessageStatus::Failed | MessageStatus::Undelivered | MessageStatus::Canceled
            )
    });
    effect(disposition).filter(|_| !on_its_way || disposition == Disposition::OptedOut)
}

const fn effect(disposition: Disposition) -> Option<Effect> {
    match disposition {
        Disposition::OptedOut => Some(Effect::Suppress(Reason::Carrier21610)),
        Disposition::BadNumber => Some(Effect::Suppress(Reason::InvalidNumber)),
        Disposition::NumberBlocked => Some(Effect::Suppress(Reason::CarrierBlocked)),
        Disposition::SenderBroken => Some(Effect::StopSender),
        Disposition::AccountBroken => Some(Effect::StopConnection),
        Disposition::RetryAfter(Wait::QueueFull) => Some(Effect::SlowSender),
        Disposition::RetryAfter(_) | Disposition::Reject | Disposition::Ambiguous => None,
    }
}

/// When a message that Twilio had accepted, and now reports as `failed` with this code, is handed
/// over once more; none if it is not.
///
/// `failed` says that it never reached a carrier, so that nobody can have got it; of `undelivered`
/// that cannot be said. Never within a minute: by then the attempt that brought the failure has
/// ended, whatever became of its answer.
pub(super) fn retry_dropped_at(
    code: i32,
    id: MessageId,
    retries: usize,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Disposition::RetryAfter(wait) = errors::lookup(code).on_report() else { return None };
    let turn = i16::try_from(retries).unwrap_or(i16::MAX);
    match wait {
        // Nothing was tried: the message's validity ends it, not a count.
        Wait::QueueFull => Some(now + with_jitter(id, turn, QUEUE_FULL_PAUSE * (1 << turn.min(3)))),
        _ if retries >= MAX_RETRIES => None,
        Wait::Backoff | Wait::Later => {
            Some(now + with_jitter(id, turn, TimeDelta::minutes(1_i64 << turn)))
        }
        Wait::NextDay => Some(next_day(id, now)),
    }
}

/// The wait and up to a half more; always the same for the same message and turn. What failed
/// together does not come back together.
fn with_jitter(id: MessageId, turn: i16, wait: TimeDelta) -> TimeDelta {
    // The second half of a UUID of version 7 is random; one multiplication stirs in the turn.
    let seed =
        id.0.as_u64_pair()
            .1
            .wrapping_add(u64::from(turn.unsigned_abs()))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let share = i32::try_from(seed >> 54).unwrap_or(0);
    wait + wait * share / 2_048
}

/// Up to half an hour after the next midnight in Pacific time.
fn next_day(id: MessageId, now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&Los_Angeles).date_naive() + Days::new(1);
    let midnight = Los_Angeles.from_local_datetime(&tomorrow.and_time(NaiveTime::MIN)).earliest();
    let midnight = midnight.map_or(now + TimeDelta::days(1), |midnight| midnight.to_utc());
    let hour = TimeDelta::hours(1);
    midnight + TimeDelta::minutes(1) + (with_jitter(id, 0, hour) - hour)
}

impl Consequence {
    /// The number that is silenced, if one is.
    #[must_use]
    pub fn silences(&self) -> Option<(PhoneNumber, Reason)> {
        match self.effect {
            Effect::Suppress(reason) => {
                let phone = PhoneNumber::from_e164(&self.to_address).ok()?;
                // That a line's former number cannot be reached says nothing of the line; that the
                // person opted out does.
                Some((if reason.is_will() { phone.current() } else { phone }, reason))
            }
            Effect::StopSender | Effect::StopConnection | Effect::SlowSender => None,
        }
    }

    /// What follows from the outcome of an attempt, if anything.
    pub(super) fn of(outcome: &SubmitOutcome) -> Option<Self> {
        let code = match &outcome.answer {
            Ok(created) => created.error_code,
            Err(error) => error.code(),
        };
        let why = match (&outcome.answer, code) {
            (Err(error), _) => error.to_string(),
            (Ok(_), Some(code)) => errors::lookup(code).explained(),
            (Ok(_), None) => return None,
        };
        Some(Self {
            effect: effect_of(outcome)?,
            message_id: outcome.claimed.message_id,
            connection_id: outcome.claimed.connection_id,
            sender_id: Some(outcome.claimed.sender_id),
            to_address: outcome.claimed.to_address.clone(),
            error_code: code,
            why,
        })
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
