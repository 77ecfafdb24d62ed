//! The story of a message in words: composed, handed to Twilio, answered, reported, and what each
//! of these proves.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::story::StatusEvent;
use crate::messages::message::{Direction, Message};
use crate::messages::report::ReportSource;
use crate::messages::status::MessageStatus;
use crate::twilio::errors;

use super::why::Why;
use crate::web::http::filters::grouped;

/// One step of the story.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct StoryLine {
    pub(super) at: DateTime<Utc>,
    /// `good`, `warn`, `bad`, `quiet` or none: the colour of its mark.
    tone: &'static str,
    pub(super) title: String,
    pub(super) note: Option<String>,
    /// Twilio's error code with its title.
    error: Option<String>,
}

/// What is known of a message, in order.
pub(super) struct Known<'a> {
    pub(super) message: &'a Message,
    pub(super) attempts: &'a [Attempt],
    /// As [`crate::messages::log::story::events`] gives them.
    pub(super) events: &'a [StatusEvent],
    /// What the message comes from, as a sentence.
    pub(super) origin: String,
    /// Why it ended without a report.
    pub(super) why: Option<&'a Why>,
}

impl Known<'_> {
    /// Tells the story, oldest first.
    pub(super) fn tell(&self) -> Vec<StoryLine> {
        let mut lines = Vec::new();
        let mut current = MessageStatus::Pending;
        let mut attempts = self.attempts.iter();
        for (at, event) in self.events.iter().enumerate() {
            let status = event.status.parse::<MessageStatus>().ok();
            if at == 0 {
                lines.push(self.beginning(event));
            } else if event.source == ReportSource::Carillon
                && status == Some(MessageStatus::Submitting)
            {
                if let Some(attempt) = attempts.next() {
                    lines.push(handed_over(attempt));
                    lines.extend(self.without_report(attempt, attempts.as_slice().first()));
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

    fn beginning(&self, event: &StatusEvent) -> StoryLine {
        match self.message.direction {
            Direction::Inbound => StoryLine::new(
                event.at,
                "good",
                "Twilio brought it to us",
                Some("A call of our inbound webhook, with Twilio’s signature.".to_owned()),
            ),
            Direction::Outbound => {
                StoryLine::new(event.at, "", "Carillon composed it", Some(self.origin.clone()))
            }
        }
    }

    fn report(&self, event: &StatusEvent, current: MessageStatus) -> StoryLine {
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
                return self.looked_in_vain(event);
            }
            ReportSource::Lookup => format!("Asked by us, Twilio said: {word}"),
        };
        let tone = if event.applied { tone(status) } else { "quiet" };
        let note =
            if event.applied { None } else { Some(self.why_ignored(event, status, current)) };
        StoryLine {
            error: event.error_code.map(named),
            ..StoryLine::new(event.at, tone, title, note)
        }
    }

    /// What we decided ourselves.
    fn decision(
        &self,
        event: &StatusEvent,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> StoryLine {
        let reason = self.why.map(|why| why.words.clone());
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
        StoryLine::new(event.at, tone(status), title, note)
    }

    /// The answer was lost: how it came out nevertheless.
    fn lost_answer(&self, event: &StatusEvent) -> StoryLine {
        let attempt = self.attempts.iter().find(|attempt| attempt.finished_at == Some(event.at));
        let title = attempt.map_or_else(|| "Twilio did not answer".to_owned(), how_it_was_lost);
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
                let later = after(proof.at - event.at);
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
        StoryLine::new(event.at, if proof.is_some() { "good" } else { "warn" }, title, Some(note))
    }

    /// A look at Twilio's list that did not show it.
    fn looked_in_vain(&self, event: &StatusEvent) -> StoryLine {
        let looks = self.events.iter().filter(|look| {
            look.source == ReportSource::Lookup
                && look.status == event.status
                && look.at <= event.at
        });
        let times = match looks.count() {
            0 | 1 => "Asked by us".to_owned(),
            times => format!("Asked by us for the {} time", ordinal(times)),
        };
        StoryLine::new(
            event.at,
            "quiet",
            format!("{times}, Twilio did not show it in its list"),
            None,
        )
    }

    /// The outcome of an attempt that left no report, since the message only went back to waiting.
    fn without_report(&self, attempt: &Attempt, next: Option<&Attempt>) -> Option<StoryLine> {
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
                format!("{note} It was tried again {} later.", after(next.claimed_at - finished_at))
            }
            None => note.to_owned(),
        };
        Some(StoryLine {
            error: attempt.error_code.map(named),
            ..StoryLine::new(finished_at, "warn", title, Some(note))
        })
    }

    fn is_about_this(&self, event: &StatusEvent) -> bool {
        let theirs = event
            .params
            .as_ref()
            .and_then(|params| params.get("MessageSid"))
            .and_then(|sid| sid.as_str());
        let is_former = theirs.is_some_and(|theirs| self.is_former(theirs));
        theirs.is_none()
            || (self.message.twilio_sid.is_none() && !is_former)
            || theirs == self.message.twilio_sid.as_deref()
    }

    /// Whether Twilio had dropped the message that it knew by this id.
    fn is_former(&self, sid: &str) -> bool {
        self.message.former_sids.iter().flatten().any(|former| former == sid)
    }

    /// Why a report did not move the status from what it was then.
    fn why_ignored(
        &self,
        event: &StatusEvent,
        status: Option<MessageStatus>,
        current: MessageStatus,
    ) -> String {
        let word = current.as_str();
        let theirs = event
            .params
            .as_ref()
            .and_then(|params| params.get("MessageSid"))
            .and_then(|sid| sid.as_str());
        match status {
            _ if theirs.is_some_and(|theirs| self.is_former(theirs)) => {
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

impl StoryLine {
    fn new(
        at: DateTime<Utc>,
        tone: &'static str,
        title: impl Into<String>,
        note: Option<String>,
    ) -> Self {
        Self { at, tone, title: title.into(), note, error: None }
    }
}

/// Why nobody knows what became of an attempt.
fn how_it_was_lost(attempt: &Attempt) -> String {
    match (attempt.http_status, attempt.duration_ms) {
        (Some(status), _) => format!(
            "Twilio answered with an error that does not say whether it has the message (HTTP \
             {status})"
        ),
        (None, None) => "The worker stopped while it was handing it over".to_owned(),
        (None, Some(duration)) if duration >= 1_000 => {
            format!(
                "Twilio did not answer within {}",
                after(TimeDelta::milliseconds(duration.into()))
            )
        }
        (None, Some(_)) => "The connection to Twilio broke before its answer came".to_owned(),
    }
}

fn handed_over(attempt: &Attempt) -> StoryLine {
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
    StoryLine::new(attempt.claimed_at, "", title, Some(facts.join(", ")))
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

fn named(code: i32) -> String {
    format!("Error {code}: {}", errors::lookup(code).title)
}

/// `2nd`, `3rd`, `11th`.
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

/// `0.4 s`, `3 s`, `2 min`, `1 h 5 min`.
fn after(time: TimeDelta) -> String {
    let milliseconds = time.num_milliseconds().max(0);
    match milliseconds / 1_000 {
        0 => format!("0.{} s", (milliseconds / 100).max(1)),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
