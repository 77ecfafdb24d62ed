//! Why a message is where it is: what holds it up, what ended it, and Twilio's error in words.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::automations::{Automation, AutomationStatus};
use crate::connections::{Connection, Status};
use crate::consent::{ConsentChange, ConsentRecord, Reason, record};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::senders::Sender;
use crate::twilio::errors;
use crate::types::phone::PhoneNumber;

/// As much evidence about a number as is looked through.
const EVIDENCE: i64 = 100;

/// Why it ended, in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Why {
    pub(super) words: String,
    /// When the reason came into the world, where that is known.
    pub(super) at: Option<DateTime<Utc>>,
    /// The page that proves it.
    pub(super) link: Option<String>,
    /// What it means.
    pub(super) meaning: Option<&'static str>,
}

/// Something that a pending message waits for.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hold {
    pub(super) words: String,
    pub(super) link: String,
}

/// Twilio's error code with its explanation.
#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    code: i32,
    title: &'static str,
    means: &'static str,
    advice: &'static str,
    link: String,
}

/// What is wrong with a message, in a few words for a list.
pub(super) fn in_short(message: &Message) -> Option<String> {
    if let Some(code) = message.error_code {
        return Some(format!("{code}: {}", errors::lookup(code).title));
    }
    let reason = message.reason.as_deref()?;
    Some(
        reason
            .parse::<Reason>()
            .map_or_else(|_| reason.to_owned(), |reason| reason.label().to_owned()),
    )
}

/// Why the message ended; a suppression with the evidence that proves it.
pub(super) async fn of(conn: &mut Conn, message: &Message) -> Result<Option<Why>> {
    let Some(text) = &message.reason else { return Ok(None) };
    let Some(reason) =
        text.parse::<Reason>().ok().filter(|_| message.status == MessageStatus::Suppressed)
    else {
        return Ok(Some(Why::plain(text)));
    };
    let records = match PhoneNumber::from_e164(&message.to_address) {
        Ok(phone) => record::of(conn, &phone, EVIDENCE).await?,
        Err(_) => Vec::new(),
    };
    Ok(Some(Why::suppressed(reason, evidence(&records, reason, message.status_at))))
}

/// What proves a suppression: the newest record of it that is not younger than the message's end.
fn evidence(
    records: &[ConsentRecord],
    reason: Reason,
    ended_at: DateTime<Utc>,
) -> Option<&ConsentRecord> {
    let proves = |record: &&ConsentRecord| {
        record.change == ConsentChange::Suppressed
            && record.reason == Some(reason)
            && record.recorded_at <= ended_at + TimeDelta::seconds(1)
    };
    records.iter().find(proves)
}

/// What a pending message waits for before it may go.
pub(super) fn holds(
    sender: Option<&Sender>,
    connection: &Connection,
    automation: Option<&Automation>,
) -> Vec<Hold> {
    let there = format!("/connections/{}", connection.id);
    let mut holds = Vec::new();
    let mut hold = |words: String, link: &str| holds.push(Hold { words, link: link.to_owned() });
    let unknown = "Twilio refused it.";
    match connection.status() {
        Status::Disabled => {
            hold(format!("The connection “{}” is disabled.", connection.name), &there);
        }
        Status::Stopped => {
            hold(
                format!(
                    "The connection “{}” is stopped: {}",
                    connection.name,
                    connection.stopped_reason.as_deref().unwrap_or(unknown)
                ),
                &there,
            );
        }
        Status::Active => {}
    }
    if let Some(sender) = sender {
        match sender.status() {
            Status::Disabled => hold(format!("The sender {} is disabled.", sender.label()), &there),
            Status::Stopped => {
                hold(
                    format!(
                        "The sender {} is stopped: {}",
                        sender.label(),
                        sender.stopped_reason.as_deref().unwrap_or(unknown)
                    ),
                    &there,
                );
            }
            Status::Active => {}
        }
    }
    if let Some(automation) =
        automation.filter(|automation| automation.status != AutomationStatus::Active)
    {
        hold(
            format!("The automation “{}” is not active.", automation.name),
            &format!("/automations/{}", automation.id),
        );
    }
    holds
}

impl Why {
    fn plain(text: &str) -> Self {
        Self { words: sentence(text), at: None, link: None, meaning: None }
    }

    fn suppressed(reason: Reason, record: Option<&ConsentRecord>) -> Self {
        let words = match record.map(ConsentRecord::words) {
            Some(words) => words
                .strip_prefix("Texted ")
                .map_or(words.clone(), |what| format!("The contact texted {what}")),
            None => reason.label().to_owned(),
        };
        Self {
            words,
            at: record.map(|record| record.recorded_at),
            link: record.and_then(|record| record.message_id).map(|id| format!("/messages/{id}")),
            meaning: Some(match (reason, record) {
                // The record has said already what the meaning begins with.
                (Reason::Stop, Some(_)) => "They can undo it by texting START.",
                _ => reason.meaning(),
            }),
        }
    }
}

impl Trouble {
    /// The explanation of a code.
    pub(super) fn of(code: i32) -> Self {
        let error = errors::lookup(code);
        Self {
            code,
            title: error.title,
            means: error.means,
            advice: error.advice,
            link: error.link(),
        }
    }
}

/// The text with a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Source;
    use crate::types::id::MessageId;
    use crate::web::ui::messages::samples;

    fn record(seconds: i64) -> ConsentRecord {
        ConsentRecord {
            change: ConsentChange::Suppressed,
            source: Source::Keyword,
            reason: Some(Reason::Stop),
            message_id: Some(MessageId::new()),
            note: Some("Stop!".to_owned()),
            recorded_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds),
            message_to: Some("+14155550100".to_owned()),
            user_email: None,
        }
    }

    #[test]
    fn a_stop_is_shown_with_the_message_that_proves_it() {
        let records = [record(100), record(10)];
        let proof = evidence(&records, Reason::Stop, DateTime::UNIX_EPOCH + TimeDelta::seconds(50));
        assert_eq!(proof, Some(&records[1]));
        let why = Why::suppressed(Reason::Stop, proof);
        assert_eq!(why.words, "The contact texted “Stop!” to +1 415 555 0100");
        assert!(why.link.is_some() && why.at.is_some() && why.meaning.is_some());
        assert_eq!(evidence(&records, Reason::Manual, DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn a_list_says_in_short_what_is_wrong() {
        let with = |error_code, reason: Option<&str>| {
            in_short(&Message {
                error_code,
                reason: reason.map(str::to_owned),
                ..samples::message()
            })
        };
        assert_eq!(with(None, Some("stop")).as_deref(), Some("Texted STOP"));
        assert_eq!(
            with(None, Some("event.city is not set")).as_deref(),
            Some("event.city is not set")
        );
        assert!(with(Some(30003), None).unwrap().starts_with("30003: "));
        assert_eq!(with(None, None), None);
    }

    #[test]
    fn everything_that_holds_a_message_up_is_named() {
        let (sender, connection) = (samples::sender(), samples::connection());
        assert!(holds(Some(&sender), &connection, None).is_empty());
        let now = Some(DateTime::UNIX_EPOCH);
        let sender = Sender { disabled_at: now, ..sender };
        let connection = Connection {
            stopped_at: now,
            stopped_reason: Some("Wrong keys.".to_owned()),
            ..connection
        };
        let held: Vec<String> =
            holds(Some(&sender), &connection, None).into_iter().map(|hold| hold.words).collect();
        assert_eq!(
            held,
            [
                "The connection “Bells & Sons” is stopped: Wrong keys.",
                "The sender Shop (+1 415 555 0100) is disabled."
            ]
        );
    }
}
