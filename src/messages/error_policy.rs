//! The error policy: what Twilio's responses and error codes mean for a message, its number, its
//! sender and its connection. `twilio/error_codes/table.rs` has the data.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;

use super::status::MessageStatus;
use super::submit_outcomes::SubmitOutcome;
use crate::consent::Reason;
use crate::queue::lease;
use crate::twilio::error_codes::{self, ErrorCode};
use crate::twilio::{Disposition, SendError, Wait};
use crate::types::id::{ConnectionId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

/// How often Twilio may refuse a message with a retryable code before the message fails; answers
/// that only say “not now” do not count.
const MAX_REFUSALS: i16 = 8;

/// The limit of refusals with a code whose retries are hours or days apart.
const MAX_SLOW_REFUSALS: i16 = 4;

/// How often a message that Twilio accepted and then dropped unsent is retried; a full queue does
/// not count.
pub(super) const MAX_RETRIES: usize = 3;

/// The last attempt that is repeated at once when it came too late.
const MAX_IMMEDIATE_ATTEMPTS: i16 = 3;

/// How long a message waits when its sender's queue at Twilio is full.
pub const QUEUE_FULL_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// What must happen in addition to the update of the message's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Suppress the number.
    Suppress(Reason),
    /// Stop the sender: it cannot send until an admin repairs it.
    StopSender,
    /// Stop the connection: Twilio refuses the whole account until an admin repairs it.
    StopConnection,
    /// Pause the sender: its queue at Twilio is full.
    SlowSender,
}

/// An [`Effect`] with its subject; the caller carries it out in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// What must happen.
    pub effect: Effect,
    /// The message that caused it.
    pub message_id: MessageId,
    /// Its connection.
    pub connection_id: ConnectionId,
    /// Its sender.
    pub sender_id: Option<SenderId>,
    /// The recipient of that message.
    pub to_address: String,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// What is wrong and what to do, in sentences.
    pub why: String,
}

/// What the outcome of an attempt means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The status to report. Our own statuses (`pending`, `unconfirmed`, `failed`) apply only to a
    /// message that is still `submitting`.
    pub status: MessageStatus,
    /// When to try again; only with `pending`. A `pending` message without it waits until it is
    /// woken.
    pub retry_at: Option<DateTime<Utc>>,
    /// Twilio's error code, if it says something about the message.
    pub error_code: Option<i32>,
    /// What else must happen.
    pub effect: Option<Effect>,
}

/// Decides what a response means for the message. `refusals` is how often Twilio refused it before
/// with a code that [`counts_as_refusal`].
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
        // Twilio processed neither, so no count ends the exponential backoff: the validity of the
        // message does.
        Err(SendError::Busy { .. }) => again(lease::backoff(attempt.min(5))),
        Err(SendError::NotSent { .. }) => again(lease::backoff(attempt.min(8))),
        // Nothing is known against the message, so it is claimed again at once, unless that has
        // been too slow several times.
        Err(SendError::TooLate { .. }) if attempt <= MAX_IMMEDIATE_ATTEMPTS => {
            Decision { retry_at: Some(now), ..plain(MessageStatus::Pending) }
        }
        Err(SendError::TooLate { .. }) => {
            again(lease::backoff((attempt - MAX_IMMEDIATE_ATTEMPTS).min(5)))
        }
        Err(SendError::Unknown { .. }) => plain(MessageStatus::Unconfirmed),
        Err(refusal) => {
            let (status, retry_at) = match refusal.disposition() {
                Disposition::Ambiguous => (MessageStatus::Unconfirmed, None),
                Disposition::SenderBroken | Disposition::AccountBroken => {
                    (MessageStatus::Pending, None)
                }
                Disposition::RetryAfter(wait) => {
                    match refusal_retry_at(wait, id, attempt, refusals, now) {
                        Some(at) => (MessageStatus::Pending, Some(at)),
                        None => (MessageStatus::Failed, None),
                    }
                }
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

/// When to retry a refused message; none when it has reached its limit of refusals.
fn refusal_retry_at(
    wait: Wait,
    id: MessageId,
    attempt: i16,
    refusals: i16,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let limit = if wait == Wait::Backoff { MAX_REFUSALS } else { MAX_SLOW_REFUSALS };
    let at = match wait {
        Wait::QueueFull => return Some(now + with_jitter(id, attempt, QUEUE_FULL_PAUSE)),
        Wait::Backoff => now + with_jitter(id, attempt, lease::backoff(refusals + 1)),
        Wait::Later => {
            now + with_jitter(id, attempt, TimeDelta::hours(1_i64 << refusals.clamp(0, 3)))
        }
        Wait::NextDay => next_day(id, now),
    };
    (refusals + 1 < limit).then_some(at)
}

/// Whether a refusal with this code counts towards the limit of refusals.
#[must_use]
pub fn counts_as_refusal(code: &ErrorCode) -> bool {
    matches!(code.on_refusal(), Disposition::RetryAfter(wait) if wait != Wait::QueueFull)
}

/// Whether the decision about this outcome depends on earlier refusals.
pub(super) fn depends_on_refusals(outcome: &SubmitOutcome) -> bool {
    let code = outcome.answer.as_ref().err().and_then(SendError::code);
    matches!(outcome.answer, Err(SendError::Refused { .. }))
        && code.is_some_and(|code| counts_as_refusal(&error_codes::lookup(code)))
}

/// What the outcome of an attempt requires in addition to the update of the message's row.
pub(super) fn effect_of(outcome: &SubmitOutcome) -> Option<Effect> {
    match &outcome.answer {
        Ok(created) => {
            let status = created.status.as_str().parse().ok();
            created.error_code.and_then(|code| effect_of_report(code, status))
        }
        Err(error) => effect(error.disposition()),
    }
}

/// What a report requires in addition to the update of the message's row. An opt-out (21610) counts
/// with any status; other codes count only if the message failed.
pub(super) fn effect_of_report(code: i32, status: Option<MessageStatus>) -> Option<Effect> {
    let disposition = error_codes::lookup(code).on_report();
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

/// When to retry a message that Twilio accepted and now reports as `failed` with this code; none
/// when it is not retried.
///
/// `failed` says that no carrier had it, so no recipient can have received it; `undelivered` does
/// not say so. The wait is at least a minute: by then the attempt that led to the failure has
/// ended, whatever its response.
pub(super) fn retry_dropped_at(
    code: i32,
    id: MessageId,
    retries: usize,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Disposition::RetryAfter(wait) = error_codes::lookup(code).on_report() else { return None };
    let turn = i16::try_from(retries).unwrap_or(i16::MAX);
    match wait {
        // Twilio tried nothing, so no count ends the retries: the validity of the message does.
        Wait::QueueFull => Some(now + with_jitter(id, turn, QUEUE_FULL_PAUSE * (1 << turn.min(3)))),
        _ if retries >= MAX_RETRIES => None,
        Wait::Backoff | Wait::Later => {
            Some(now + with_jitter(id, turn, TimeDelta::minutes(1_i64 << turn)))
        }
        Wait::NextDay => Some(next_day(id, now)),
    }
}

/// Adds jitter of up to half the wait, so that messages that failed together are not retried
/// together. The same message and turn always get the same wait.
fn with_jitter(id: MessageId, turn: i16, wait: TimeDelta) -> TimeDelta {
    // The second half of a UUIDv7 is random; one multiplication mixes in the turn.
    let seed =
        id.0.as_u64_pair()
            .1
            .wrapping_add(u64::from(turn.unsigned_abs()))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let share = i32::try_from(seed >> 54).unwrap_or(0);
    wait + wait * share / 2_048
}

/// A time between 1 and 31 minutes after the next midnight in Pacific time.
fn next_day(id: MessageId, now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&Los_Angeles).date_naive() + Days::new(1);
    let midnight = Los_Angeles.from_local_datetime(&tomorrow.and_time(NaiveTime::MIN)).earliest();
    let midnight = midnight.map_or(now + TimeDelta::days(1), |midnight| midnight.to_utc());
    let hour = TimeDelta::hours(1);
    midnight + TimeDelta::minutes(1) + (with_jitter(id, 0, hour) - hour)
}

impl Consequence {
    /// The number to suppress, with the reason; none for other effects.
    #[must_use]
    pub fn number_to_suppress(&self) -> Option<(PhoneNumber, Reason)> {
        match self.effect {
            Effect::Suppress(reason) => {
                let phone = PhoneNumber::from_e164(&self.to_address).ok()?;
                // An opt-out concerns the whole line. That a former number of the line is
                // unreachable says nothing about its current one.
                Some((if reason.follows_person() { phone.current() } else { phone }, reason))
            }
            Effect::StopSender | Effect::StopConnection | Effect::SlowSender => None,
        }
    }

    /// The consequence of an attempt's outcome, if it has one.
    pub(super) fn of(outcome: &SubmitOutcome) -> Option<Self> {
        let code = match &outcome.answer {
            Ok(created) => created.error_code,
            Err(error) => error.code(),
        };
        let why = match (&outcome.answer, code) {
            (Err(error), _) => error.to_string(),
            (Ok(_), Some(code)) => error_codes::lookup(code).explained(),
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
#[path = "error_policy_tests.rs"]
mod tests;
