//! The reasons for a message's state: what blocks it, what ended it, and the explanation of a
//! Twilio error.

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
use crate::twilio::error_codes;
use crate::types::phone::PhoneNumber;

/// The number of consent records of a number that are searched for the evidence.
const MAX_RECORDS: i64 = 100;

/// The reason why a message ended, in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct EndReason {
    pub(super) words: String,
    /// The time of the evidence, if known.
    pub(super) at: Option<DateTime<Utc>>,
    /// The path of the page that proves it.
    pub(super) link: Option<String>,
    /// A sentence about what it means.
    pub(super) meaning: Option<&'static str>,
}

/// Something that blocks a pending message.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Blocker {
    pub(super) words: String,
    pub(super) link: String,
}

/// A Twilio error code with its explanation.
#[derive(Debug, Serialize)]
pub(super) struct ErrorExplanation {
    code: i32,
    title: &'static str,
    means: &'static str,
    advice: &'static str,
    link: String,
}

/// The error or the reason of a message, in a few words for a list.
pub(in crate::web::ui) fn short_reason(message: &Message) -> Option<String> {
    if let Some(code) = message.error_code {
        return Some(format!("{code}: {}", error_codes::lookup(code).title));
    }
    let reason = message.reason.as_deref()?;
    Some(
        reason
            .parse::<Reason>()
            .map_or_else(|_| reason.to_owned(), |reason| reason.label().to_owned()),
    )
}

/// The word for a status, if it can say why: that of a suppression, such as “Texted STOP”.
pub(super) fn status_word(message: &Message) -> Option<&'static str> {
    let reason = message.reason.as_deref()?.parse::<Reason>().ok();
    reason.filter(|_| message.status == MessageStatus::Suppressed).map(Reason::label)
}

/// Loads the reason why a message ended; for a suppression, with its evidence.
pub(super) async fn end_reason(conn: &mut Conn, message: &Message) -> Result<Option<EndReason>> {
    let Some(text) = &message.reason else { return Ok(None) };
    let Some(reason) =
        text.parse::<Reason>().ok().filter(|_| message.status == MessageStatus::Suppressed)
    else {
        return Ok(Some(EndReason::plain(text)));
    };
    let records = match PhoneNumber::from_e164(&message.to_address) {
        Ok(phone) => record::of_number(conn, &phone, MAX_RECORDS).await?,
        Err(_) => Vec::new(),
    };
    Ok(Some(EndReason::suppressed(reason, evidence(&records, reason, message.status_at))))
}

/// The evidence of a suppression: its newest record that is not later than the end of the message.
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

/// Lists what blocks a pending message: a connection, a sender or an automation that is off.
pub(super) fn blockers(
    sender: Option<&Sender>,
    connection: &Connection,
    automation: Option<&Automation>,
) -> Vec<Blocker> {
    let connection_path = format!("/connections/{}", connection.id);
    let mut blockers = Vec::new();
    let mut block =
        |words: String, link: &str| blockers.push(Blocker { words, link: link.to_owned() });
    let unknown_reason = "Twilio refused it.";
    match connection.status() {
        Status::Disabled => {
            block(format!("The connection “{}” is disabled.", connection.name), &connection_path);
        }
        Status::Stopped => {
            block(
                format!(
                    "The connection “{}” is stopped: {}",
                    connection.name,
                    connection.stopped_reason.as_deref().unwrap_or(unknown_reason)
                ),
                &connection_path,
            );
        }
        Status::Active => {}
    }
    if let Some(sender) = sender {
        match sender.status() {
            Status::Disabled => {
                block(format!("The sender {} is disabled.", sender.label()), &connection_path);
            }
            Status::Stopped => {
                block(
                    format!(
                        "The sender {} is stopped: {}",
                        sender.label(),
                        sender.stopped_reason.as_deref().unwrap_or(unknown_reason)
                    ),
                    &connection_path,
                );
            }
            Status::Active => {}
        }
    }
    if let Some(automation) =
        automation.filter(|automation| automation.status != AutomationStatus::Active)
    {
        block(
            format!("The automation “{}” is not active.", automation.name),
            &format!("/automations/{}", automation.id),
        );
    }
    blockers
}

impl EndReason {
    fn plain(text: &str) -> Self {
        Self { words: sentence(text), at: None, link: None, meaning: None }
    }

    fn suppressed(reason: Reason, record: Option<&ConsentRecord>) -> Self {
        let words = match record.map(ConsentRecord::sentence) {
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
                // The record already says what the meaning starts with.
                (Reason::Stop, Some(_)) => "They can undo it by texting START.",
                _ => reason.meaning(),
            }),
        }
    }
}

impl ErrorExplanation {
    /// Looks up the explanation of a code.
    pub(super) fn of(code: i32) -> Self {
        let error = error_codes::lookup(code);
        Self {
            code,
            title: error.title,
            means: error.means,
            advice: error.advice,
            link: error.link(),
        }
    }
}

/// Ends a text with a full stop, unless it has an end mark.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::ConsentSource;
    use crate::types::id::MessageId;
    use crate::web::ui::messages::samples;

    fn record(seconds: i64) -> ConsentRecord {
        ConsentRecord {
            change: ConsentChange::Suppressed,
            source: ConsentSource::Keyword,
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
        let reason = EndReason::suppressed(Reason::Stop, proof);
        assert_eq!(reason.words, "The contact texted “Stop!” to +1 415 555 0100");
        assert!(reason.link.is_some() && reason.at.is_some() && reason.meaning.is_some());
        assert_eq!(evidence(&records, Reason::Manual, DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn a_list_shows_the_error_or_the_reason_in_short() {
        let with = |error_code, reason: Option<&str>| {
            short_reason(&Message {
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
    fn everything_that_blocks_a_message_is_named() {
        let (sender, connection) = (samples::sender(), samples::connection());
        assert!(blockers(Some(&sender), &connection, None).is_empty());
        let now = Some(DateTime::UNIX_EPOCH);
        let sender = Sender { disabled_at: now, ..sender };
        let connection = Connection {
            stopped_at: now,
            stopped_reason: Some("Wrong keys.".to_owned()),
            ..connection
        };
        let texts: Vec<String> = blockers(Some(&sender), &connection, None)
            .into_iter()
            .map(|blocker| blocker.words)
            .collect();
        assert_eq!(
            texts,
            [
                "The connection “Bells & Sons” is stopped: Wrong keys.",
                "The sender Shop (+1 415 555 0100) is disabled."
            ]
        );
    }
}
