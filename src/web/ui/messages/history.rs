//! The history of a message in words: composition, submission to Twilio, answer and reports, each
//! with what it proves.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::reasons::EndReason;
use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::status_history::StatusEvent;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::twilio::error_codes;
use crate::web::quantities::grouped;

/// A line of the history.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct HistoryLine {
    pub(super) at: DateTime<Utc>,
    /// The colour of its mark: `good`, `warn`, `bad`, `quiet` or empty.
    tone: &'static str,
    pub(super) title: String,
    pub(super) note: Option<String>,
    /// The Twilio error code with its title.
    error: Option<String>,
}

/// The data that make up the history of a message.
pub(super) struct MessageHistory<'a> {
    pub(super) message: &'a Message,
    pub(super) attempts: &'a [Attempt],
    /// The events, in the order of [`crate::messages::log::status_history::events`].
    pub(super) events: &'a [StatusEvent],
    /// A sentence about the origin of the message.
    pub(super) origin: String,
    /// The reason why the message ended without a report.
    pub(super) end_reason: Option<&'a EndReason>,
}

impl MessageHistory<'_> {
    /// The lines of the history, the oldest first.
    pub(super) fn lines(&self) -> Vec<HistoryLine> {
        let mut lines = Vec::new();
        let mut current = MessageStatus::Pending;
        let mut attempts = self.attempts.iter();
        for (at, event) in self.events.iter().enumerate() {
            let status = event.status.parse::<MessageStatus>().ok();
            if at == 0 {
                lines.push(self.first_line(event));
            } else if event.source == ReportSource::Carillon
                && status == Some(MessageStatus::Submitting)
            {
                if let Some(attempt) = attempts.next() {
                    lines.push(submission(attempt));
                    lines.extend(self.unreported(attempt, attempts.as_slice().first()));
                }
            } else {
                lines.push(self.report(event, current));
            }
            if event.applied {
                current = status.unwrap_or(current);
            }
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    fn first_line(&self, event: &StatusEvent) -> HistoryLine {
        match self.message.direction {
            Direction::Inbound => HistoryLine::new(
                event.at,
                "good",
                "Twilio brought it to us",
                Some("A call of our inbound webhook, with Twilio’s signature.".to_owned()),
            ),
            Direction::Outbound => {
                HistoryLine::new(event.at, "", "Carillon composed it", Some(self.origin.clone()))
            }
        }
    }

    fn report(&self, event: &StatusEvent, current: MessageStatus) -> HistoryLine {
        let word = event.status.replace('_', " ");
        let status = event.status.parse::<MessageStatus>().ok();
        let title = match event.source {
            ReportSource::Carillon => return self.decision(event, status, current),
            ReportSource::Response if status == Some(MessageStatus::Failed) => {
                "Twilio refused it".to_owned()
            }
            ReportSource::Response => format!("Twilio answered: {word}"),
            ReportSource::Callback => format!("Twilio reported: {word}"),
            ReportSource::Lookup if status == Some(MessageStatus::Unconfirmed) => {
                return self.lookup_without_result(event);
            }
            ReportSource::Lookup => format!("Asked by us, Twilio said: {word}"),
        };
        let tone = if event.applied { tone(status) } else { "quiet" };
        let note =
            if event.applied { None } else { Some(self.why_ignored(event, status, current)) };
        HistoryLine {
            error: event.error_code.map(error_text),
            ..HistoryLine::new(event.at, tone, title, note)
        }
    }

    /// The line of a status that Carillon set itself.
    fn decision(
        &self,
        event: &StatusEvent,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> HistoryLine {
        let reason = self.end_reason.map(|reason| reason.words.clone());
        let (title, note) = match status {
            Some(MessageStatus::Unconfirmed) => return self.lost_answer(event),
            Some(MessageStatus::Pending) if current == MessageStatus::Failed => (
                "Carillon sends it once more",
                Some(
                    "Twilio dropped it before it reached a carrier, so that nobody can have got \
                     it. The next attempt makes a new message at Twilio."
                        .to_owned(),
                ),
            ),
            Some(MessageStatus::Pending) => (
                "Carillon sends it again",
                Some(
                    "Nobody confirmed it, and this connection prefers a message twice to \
                         none."
                        .to_owned(),
                ),
            ),
            Some(MessageStatus::Failed) => ("Carillon gave it up", reason),
            Some(MessageStatus::Suppressed | MessageStatus::Skipped | MessageStatus::Expired) => {
                ("Carillon did not send it", reason)
            }
            _ => (status.map_or("Carillon noted a status", MessageStatus::meaning), None),
        };
        HistoryLine::new(event.at, tone(status), title, note)
    }

    /// The line of a lost answer, with how the outcome became known later.
    fn lost_answer(&self, event: &StatusEvent) -> HistoryLine {
        let attempt = self.attempts.iter().find(|attempt| attempt.finished_at == Some(event.at));
        let title = attempt.map_or_else(|| "Twilio did not answer".to_owned(), lost_answer_title);
        let since = attempt.map_or(event.at, |attempt| attempt.claimed_at);
        let until = self
            .attempts
            .iter()
            .map(|attempt| attempt.claimed_at)
            .find(|claimed_at| *claimed_at > since);
        let proof = self.events.iter().find(|proof| {
            matches!(proof.source, ReportSource::Callback | ReportSource::Lookup)
                && proof.status != MessageStatus::Unconfirmed.as_str()
                && proof.at >= since
                && until.is_none_or(|until| proof.at < until)
                && self.is_about_this(proof)
        });
        let note = match proof {
            Some(proof) if proof.at <= event.at => {
                "But its callback had come before, which proves \
                                                    that it had accepted the message."
                    .to_owned()
            }
            Some(proof) => {
                let later = elapsed(proof.at - event.at);
                match proof.source {
                    ReportSource::Lookup => format!(
                        "Twilio’s list, asked {later} later, showed the message: it had accepted \
                         it."
                    ),
                    _ => format!(
                        "Its callback {later} later proved that it had accepted the message."
                    ),
                }
            }
            None if self.message.status == MessageStatus::Unconfirmed
                && self.message.reason.is_none() =>
            {
                "Nobody knows yet whether it has the message. Carillon waits for its callback and \
                 asks for its list of messages; until then nothing is sent again."
                    .to_owned()
            }
            None => "Nobody could confirm that it has the message.".to_owned(),
        };
        HistoryLine::new(event.at, if proof.is_some() { "good" } else { "warn" }, title, Some(note))
    }

    /// The line of a lookup in Twilio's list that did not find the message.
    fn lookup_without_result(&self, event: &StatusEvent) -> HistoryLine {
        let lookups = self.events.iter().filter(|lookup| {
            lookup.source == ReportSource::Lookup
                && lookup.status == event.status
                && lookup.at <= event.at
        });
        let times = match lookups.count() {
            0 | 1 => "Asked by us".to_owned(),
            times => format!("Asked by us for the {} time", ordinal(times)),
        };
        HistoryLine::new(
            event.at,
            "quiet",
            format!("{times}, Twilio did not show it in its list"),
            None,
        )
    }

    /// The line of an attempt without a report, after which the message went back to pending.
    fn unreported(&self, attempt: &Attempt, next: Option<&Attempt>) -> Option<HistoryLine> {
        let finished_at = attempt.finished_at?;
        let is_reported = self.events.iter().skip(1).any(|event| {
            event.at == finished_at
                && matches!(event.source, ReportSource::Response | ReportSource::Carillon)
                && event.status != MessageStatus::Submitting.as_str()
        });
        if is_reported {
            return None;
        }
        let (title, note) = match attempt.outcome? {
            AttemptOutcome::Busy => (
                "Twilio was too busy",
                "It did not take the message, so that trying again is safe.",
            ),
            AttemptOutcome::NotSent => (
                "Twilio could not be reached",
                "The request never left, so that trying again is safe.",
            ),
            AttemptOutcome::HeldBack => (
                "Held back for another check",
                "Too much time had passed since the last one. Nothing was sent.",
            ),
            AttemptOutcome::Refused => (
                "Twilio refused it for now",
                "It does not have the message, so that trying again is safe.",
            ),
            AttemptOutcome::Accepted | AttemptOutcome::Unknown => return None,
        };
        let note = match next {
            Some(next) => {
                format!(
                    "{note} It was tried again {} later.",
                    elapsed(next.claimed_at - finished_at)
                )
            }
            None => note.to_owned(),
        };
        Some(HistoryLine {
            error: attempt.error_code.map(error_text),
            ..HistoryLine::new(finished_at, "warn", title, Some(note))
        })
    }

    fn is_about_this(&self, event: &StatusEvent) -> bool {
        let reported_sid = event
            .params
            .as_ref()
            .and_then(|params| params.get("MessageSid"))
            .and_then(|sid| sid.as_str());
        let is_former = reported_sid.is_some_and(|reported_sid| self.is_former(reported_sid));
        reported_sid.is_none()
            || (self.message.twilio_sid.is_none() && !is_former)
            || reported_sid == self.message.twilio_sid.as_deref()
    }

    /// Whether this SID belongs to an earlier attempt, whose message Twilio dropped.
    fn is_former(&self, sid: &str) -> bool {
        self.message.former_sids.iter().flatten().any(|former| former == sid)
    }

    /// A sentence about why a report did not change the status.
    fn why_ignored(
        &self,
        event: &StatusEvent,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> String {
        let word = current.as_str();
        let reported_sid = event
            .params
            .as_ref()
            .and_then(|params| params.get("MessageSid"))
            .and_then(|sid| sid.as_str());
        match status {
            _ if reported_sid.is_some_and(|reported_sid| self.is_former(reported_sid)) => {
                "It is about what Twilio had dropped before: another attempt has taken its \
                 place."
                    .to_owned()
            }
            _ if !self.is_about_this(event) => {
                "It is about another message of Twilio’s, not about the one that this one is known \
                 by."
                .to_owned()
            }
            None => "Carillon does not know this status: it is kept, and changes \
                     nothing."
                .to_owned(),
            Some(status) if status == current => "A repeat: it changes nothing.".to_owned(),
            Some(status) if status.is_final() && current.is_final() => {
                format!("It contradicts “{word}”, which came first and stays.")
            }
            Some(_) => format!("It came late: the message was “{word}” already."),
        }
    }
}

impl HistoryLine {
    fn new(
        at: DateTime<Utc>,
        tone: &'static str,
        title: impl Into<String>,
        note: Option<String>,
    ) -> Self {
        Self { at, tone, title: title.into(), note, error: None }
    }
}

/// The title for an attempt with an unknown outcome.
fn lost_answer_title(attempt: &Attempt) -> String {
    match (attempt.http_status, attempt.duration_ms) {
        (Some(status), _) => format!(
            "Twilio answered with an error that does not say whether it has the message (HTTP \
             {status})"
        ),
        (None, None) => "The worker stopped while it was handing it over".to_owned(),
        (None, Some(duration)) if duration >= 1_000 => {
            format!(
                "Twilio did not answer within {}",
                elapsed(TimeDelta::milliseconds(duration.into()))
            )
        }
        (None, Some(_)) => "The connection to Twilio broke before its answer came".to_owned(),
    }
}

fn submission(attempt: &Attempt) -> HistoryLine {
    let mut facts = vec![format!("Attempt {}", attempt.number)];
    facts.extend(attempt.duration_ms.map(|duration| format!("{} ms", grouped(duration))));
    facts.extend(attempt.twilio_request_id.as_ref().map(|id| format!("Twilio’s request {id}")));
    if attempt.finished_at.is_none() {
        facts.push("no answer yet".to_owned());
    }
    let title = match attempt.outcome {
        Some(AttemptOutcome::Accepted) => "Handed to Twilio",
        Some(AttemptOutcome::Refused | AttemptOutcome::Busy) => "Offered to Twilio",
        Some(AttemptOutcome::NotSent | AttemptOutcome::HeldBack | AttemptOutcome::Unknown)
        | None => "On its way to Twilio",
    };
    HistoryLine::new(attempt.claimed_at, "", title, Some(facts.join(", ")))
}

const fn tone(status: Option<MessageStatus>) -> &'static str {
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

fn error_text(code: i32) -> String {
    format!("Error {code}: {}", error_codes::lookup(code).title)
}

/// An ordinal number: `2nd`, `3rd`, `11th`.
fn ordinal(number: usize) -> String {
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
fn elapsed(time: TimeDelta) -> String {
    let milliseconds = time.num_milliseconds().max(0);
    match milliseconds / 1_000 {
        0 => format!("0.{} s", (milliseconds / 100).max(1)),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
