//! The words and icons for statuses, attempts and durations in the history of a message.

use chrono::TimeDelta;

use crate::messages::attempt::Attempt;
use crate::messages::log::status_history::StatusEntry;
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::twilio::error_codes;

/// The title for a status that Twilio reported.
pub(super) fn reported_title(entry: &StatusEntry, status: Option<MessageStatus>) -> String {
    let is_response = entry.source == ReportSource::Response;
    let title = match status {
        Some(MessageStatus::Accepted) => "Accepted by Twilio",
        Some(MessageStatus::Queued) if is_response => "Accepted by Twilio",
        Some(MessageStatus::Queued) => "In Twilio’s queue",
        Some(MessageStatus::Scheduled) => "Scheduled by Twilio",
        Some(MessageStatus::Sending) => "On its way to the carrier",
        Some(MessageStatus::Sent) => "Sent to the carrier",
        Some(MessageStatus::Delivered) => "Delivered",
        Some(MessageStatus::Failed) if is_response => "Refused by Twilio",
        Some(MessageStatus::Undelivered | MessageStatus::Failed) => "Not delivered",
        Some(MessageStatus::Canceled) => "Canceled",
        Some(MessageStatus::Read) => "Read by the recipient",
        Some(_) | None => {
            return format!("Twilio reported “{}”", entry.status.replace('_', " "));
        }
    };
    title.to_owned()
}

/// The icon of a status.
pub(super) const fn icon(status: Option<MessageStatus>) -> &'static str {
    match status {
        Some(MessageStatus::Accepted | MessageStatus::Queued | MessageStatus::Scheduled) => "check",
        Some(MessageStatus::Sending | MessageStatus::Sent) => "arrow-up-right",
        Some(MessageStatus::Delivered | MessageStatus::Read) => "circle-check",
        Some(MessageStatus::Failed | MessageStatus::Undelivered) => "circle-x",
        Some(MessageStatus::Suppressed | MessageStatus::Skipped | MessageStatus::Canceled) => "ban",
        Some(MessageStatus::Expired) => "timer-off",
        Some(MessageStatus::Unconfirmed) => "circle-question-mark",
        Some(_) | None => "circle-dot",
    }
}

/// The colour of a status.
pub(super) const fn tone(status: Option<MessageStatus>) -> &'static str {
    match status {
        Some(MessageStatus::Delivered | MessageStatus::Read | MessageStatus::Received) => "good",
        Some(MessageStatus::Failed | MessageStatus::Undelivered) => "bad",
        Some(
            MessageStatus::Unconfirmed
            | MessageStatus::Suppressed
            | MessageStatus::Skipped
            | MessageStatus::Expired
            | MessageStatus::Canceled,
        ) => "warn",
        Some(_) => "",
        None => "quiet",
    }
}

/// The title for an attempt with an unknown outcome.
pub(super) fn lost_answer_title(attempt: &Attempt) -> String {
    match (attempt.http_status, attempt.duration_ms) {
        (Some(status), _) => format!("Twilio gave no clear answer (HTTP {status})"),
        (None, None) => "The worker stopped during the request".to_owned(),
        (None, Some(duration)) if duration >= 1_000 => {
            format!(
                "Twilio didn’t answer within {}",
                elapsed(TimeDelta::milliseconds(duration.into()))
            )
        }
        (None, Some(_)) => "The connection to Twilio broke before its answer came".to_owned(),
    }
}

pub(super) fn error_text(code: i32) -> String {
    format!("Error {code}: {}", error_codes::lookup(code).title)
}

/// An ordinal number: `2nd`, `3rd`, `11th`.
pub(super) fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// A short duration text: `0.4 s`, `3 s`, `2 min`, `1 h 5 min`.
pub(super) fn elapsed(time: TimeDelta) -> String {
    let milliseconds = time.num_milliseconds().max(0);
    match milliseconds / 1_000 {
        0 => format!("0.{} s", (milliseconds / 100).max(1)),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
