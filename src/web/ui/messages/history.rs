//! The history of a message in words: composition, submission to Twilio, answer and reports, each
//! with what it proves.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::history_words::{
    elapsed, error_text, icon, lost_answer_title, ordinal, reported_title, tone,
};
use super::reasons::EndReason;
use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::status_history::StatusEntry;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;

/// A line of the history.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct HistoryLine {
    pub(super) at: DateTime<Utc>,
    /// The colour of its icon: `good`, `warn`, `bad`, `quiet` or empty.
    tone: &'static str,
    icon: &'static str,
    pub(super) title: String,
    pub(super) note: Option<String>,
    /// The Twilio error code with its title.
    error: Option<String>,
}

/// The data that make up the history of a message.
pub(super) struct MessageHistory<'a> {
    pub(super) message: &'a Message,
    pub(super) attempts: &'a [Attempt],
    /// The entries, in the order of [`crate::messages::log::status_history::entries`].
    pub(super) entries: &'a [StatusEntry],
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
        for (at, entry) in self.entries.iter().enumerate() {
            let status = entry.status.parse::<MessageStatus>().ok();
            if at == 0 {
                lines.push(self.first_line(entry));
            } else if entry.source == ReportSource::Carillon
                && status == Some(MessageStatus::Submitting)
            {
                if let Some(attempt) = attempts.next() {
                    lines.push(submission(attempt));
                    lines.extend(self.unreported(attempt, attempts.as_slice().first()));
                }
            } else {
                lines.push(self.report(entry, current));
            }
            if entry.applied {
                current = status.unwrap_or(current);
            }
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    fn first_line(&self, entry: &StatusEntry) -> HistoryLine {
        match self.message.direction {
            Direction::Inbound => HistoryLine::new(entry.at, "good", "Received", None)
                .with_icon("arrow-down-left")
                .with_note("Twilio called the inbound webhook."),
            Direction::Outbound => HistoryLine::new(entry.at, "", "Text written", None)
                .with_icon("file-text")
                .with_note(self.origin.clone()),
        }
    }

    fn report(&self, entry: &StatusEntry, current: MessageStatus) -> HistoryLine {
        let status = entry.status.parse::<MessageStatus>().ok();
        let title = match entry.source {
            ReportSource::Carillon => return self.decision(entry, status, current),
            ReportSource::Lookup if status == Some(MessageStatus::Unconfirmed) => {
                return self.lookup_without_result(entry);
            }
            _ => reported_title(entry, status),
        };
        let asked =
            (entry.source == ReportSource::Lookup).then(|| "Carillon asked Twilio.".to_owned());
        let (tone, note) = if entry.applied {
            (tone(status), asked)
        } else {
            ("quiet", Some(self.why_ignored(entry, status, current)))
        };
        HistoryLine {
            error: entry.error_code.map(error_text),
            ..HistoryLine::new(entry.at, tone, title, note).with_icon(icon(status))
        }
    }

    /// The line of a status that Carillon set itself.
    fn decision(
        &self,
        entry: &StatusEntry,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> HistoryLine {
        let reason = self.end_reason.map(|reason| reason.words.clone());
        let (title, note) = match status {
            Some(MessageStatus::Unconfirmed) => return self.lost_answer(entry),
            Some(MessageStatus::Pending) if current == MessageStatus::Failed => (
                "Carillon sends it once more",
                Some(
                    "Twilio dropped it before it reached a carrier, so it reached no recipient. \
                     The next attempt is a new message at Twilio."
                        .to_owned(),
                ),
            ),
            Some(MessageStatus::Pending) => (
                "Carillon sends it again",
                Some(
                    "Twilio never confirmed it. This connection sends twice rather than not at \
                     all."
                        .to_owned(),
                ),
            ),
            Some(MessageStatus::Failed) => ("Not delivered", reason),
            Some(MessageStatus::Suppressed | MessageStatus::Skipped | MessageStatus::Expired) => {
                ("Not sent", reason)
            }
            _ => (status.map_or("Status changed", MessageStatus::meaning), None),
        };
        let icon = if status == Some(MessageStatus::Pending) { "repeat" } else { icon(status) };
        HistoryLine::new(entry.at, tone(status), title, note).with_icon(icon)
    }

    /// The line of a lost response, with how the outcome became known later.
    fn lost_answer(&self, entry: &StatusEntry) -> HistoryLine {
        let attempt = self.attempts.iter().find(|attempt| attempt.finished_at == Some(entry.at));
        let title = attempt.map_or_else(|| "Twilio didn’t answer".to_owned(), lost_answer_title);
        let since = attempt.map_or(entry.at, |attempt| attempt.claimed_at);
        let until = self
            .attempts
            .iter()
            .map(|attempt| attempt.claimed_at)
            .find(|claimed_at| *claimed_at > since);
        let proof = self.entries.iter().find(|proof| {
            matches!(proof.source, ReportSource::Callback | ReportSource::Lookup)
                && proof.status != MessageStatus::Unconfirmed.as_str()
                && proof.at >= since
                && until.is_none_or(|until| proof.at < until)
                && self.is_about_this(proof)
        });
        let note = match proof {
            Some(proof) if proof.at <= entry.at => {
                "A report had come before: Twilio had accepted the message.".to_owned()
            }
            Some(proof) => {
                let later = elapsed(proof.at - entry.at);
                match proof.source {
                    ReportSource::Lookup => format!(
                        "Twilio’s list showed it {later} later: Twilio had accepted the message."
                    ),
                    _ => format!("A report {later} later: Twilio had accepted the message."),
                }
            }
            None if self.message.status == MessageStatus::Unconfirmed
                && self.message.reason.is_none() =>
            {
                "It is uncertain whether Twilio has the message. Carillon waits for a report and \
                 searches Twilio’s list. Until then, it sends nothing again."
                    .to_owned()
            }
            None => "Twilio never confirmed that it has the message.".to_owned(),
        };
        let tone = if proof.is_some() { "good" } else { "warn" };
        HistoryLine::new(entry.at, tone, title, Some(note)).with_icon("circle-question-mark")
    }

    /// The line of a lookup in Twilio's list that did not find the message.
    fn lookup_without_result(&self, entry: &StatusEntry) -> HistoryLine {
        let lookups = self.entries.iter().filter(|lookup| {
            lookup.source == ReportSource::Lookup
                && lookup.status == entry.status
                && lookup.at <= entry.at
        });
        let note = match lookups.count() {
            0 | 1 => "Carillon asked Twilio.".to_owned(),
            times => format!("Carillon asked Twilio for the {} time.", ordinal(times)),
        };
        HistoryLine::new(entry.at, "quiet", "Not in Twilio’s list", Some(note)).with_icon("search")
    }

    /// The line of an attempt without a report, after which the message went back to pending.
    fn unreported(&self, attempt: &Attempt, next: Option<&Attempt>) -> Option<HistoryLine> {
        let finished_at = attempt.finished_at?;
        let is_reported = self.entries.iter().skip(1).any(|entry| {
            entry.at == finished_at
                && matches!(entry.source, ReportSource::Response | ReportSource::Carillon)
                && entry.status != MessageStatus::Submitting.as_str()
        });
        if is_reported {
            return None;
        }
        let (title, note) = match attempt.outcome? {
            AttemptOutcome::Busy => {
                ("Twilio was too busy", "Twilio didn’t take the message, so trying again is safe.")
            }
            AttemptOutcome::NotSent => {
                ("Couldn’t reach Twilio", "The request never left, so trying again is safe.")
            }
            AttemptOutcome::HeldBack => (
                "Held back for another check",
                "Too much time had passed since the last check. Nothing was sent.",
            ),
            AttemptOutcome::Refused => (
                "Refused by Twilio for now",
                "Twilio doesn’t have the message, so trying again is safe.",
            ),
            AttemptOutcome::Accepted | AttemptOutcome::Unknown => return None,
        };
        let note = match next {
            Some(next) => format!(
                "{note} The next attempt followed {} later.",
                elapsed(next.claimed_at - finished_at)
            ),
            None => note.to_owned(),
        };
        Some(HistoryLine {
            error: attempt.error_code.map(error_text),
            ..HistoryLine::new(finished_at, "warn", title, Some(note))
        })
    }

    fn is_about_this(&self, entry: &StatusEntry) -> bool {
        let reported_sid = entry
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
        entry: &StatusEntry,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> String {
        let word = current.as_str().replace('_', " ");
        let reported_sid = entry
            .params
            .as_ref()
            .and_then(|params| params.get("MessageSid"))
            .and_then(|sid| sid.as_str());
        match status {
            _ if reported_sid.is_some_and(|reported_sid| self.is_former(reported_sid)) => {
                "About an earlier attempt, which Twilio dropped.".to_owned()
            }
            _ if !self.is_about_this(entry) => "About another message at Twilio.".to_owned(),
            None => "An unknown status, which changes nothing.".to_owned(),
            Some(status) if status == current => "A repeat; it changes nothing.".to_owned(),
            Some(status) if status.is_final() && current.is_final() => {
                format!("Contradicts “{word}”, which came first and stays.")
            }
            Some(_) => format!("Came late: the message was “{word}” already."),
        }
    }
}

/// The line of a request to Twilio, whose figures are among the technical details.
fn submission(attempt: &Attempt) -> HistoryLine {
    let title = match attempt.outcome {
        Some(AttemptOutcome::Accepted) => "Handed to Twilio",
        Some(AttemptOutcome::Refused | AttemptOutcome::Busy) => "Offered to Twilio",
        Some(AttemptOutcome::NotSent | AttemptOutcome::HeldBack | AttemptOutcome::Unknown)
        | None => "On its way to Twilio",
    };
    let mut facts = Vec::new();
    if attempt.number > 1 {
        facts.push(format!("Attempt {}", attempt.number));
    }
    if attempt.finished_at.is_none() {
        facts.push("No answer yet".to_owned());
    }
    let note = (!facts.is_empty()).then(|| facts.join(", "));
    HistoryLine::new(attempt.claimed_at, "", title, note).with_icon("send")
}

impl HistoryLine {
    pub(super) fn new(
        at: DateTime<Utc>,
        tone: &'static str,
        title: impl Into<String>,
        note: Option<String>,
    ) -> Self {
        let icon = if tone == "warn" { "triangle-alert" } else { "circle-dot" };
        Self { at, tone, icon, title: title.into(), note, error: None }
    }

    pub(super) fn with_icon(self, icon: &'static str) -> Self {
        Self { icon, ..self }
    }

    fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
