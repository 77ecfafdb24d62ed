//! The rows of the list: each message in a line.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::why;
use crate::db::Conn;
use crate::error::Result;
use crate::messages::list::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, MessageId};
use crate::types::phone::PhoneNumber;
use crate::{automations, contacts};

/// As many characters of a text as a row shows.
const FIRST_WORDS: usize = 90;

/// A message in a line.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: MessageId,
    inbound: bool,
    /// The contact's name, else the number, else none.
    who: Option<String>,
    text: String,
    media: usize,
    #[serde(flatten)]
    pub(super) state: State,
    parts: i16,
    automation_id: Option<AutomationId>,
    automation: Option<String>,
    created_at: DateTime<Utc>,
}

/// The part of a row that changes.
#[derive(Debug, Serialize)]
pub(super) struct State {
    pub(super) status: MessageStatus,
    /// What is wrong, in a few words.
    trouble: Option<String>,
}

/// The rows of some messages, with the names that belong to them.
pub(super) async fn rows(conn: &mut Conn, messages: &[Message]) -> Result<Vec<Row>> {
    let mut people: Vec<ContactId> = messages.iter().filter_map(|message| message.contact_id).collect();
    let mut makers: Vec<AutomationId> = messages.iter().filter_map(|message| message.automation_id).collect();
    people.sort_unstable();
    people.dedup();
    makers.sort_unstable();
    makers.dedup();
    let people = contacts::find_many(conn, &people).await?;
    let names: HashMap<ContactId, Option<String>> = people.into_iter().map(|contact| (contact.id, contact.full_name())).collect();
    let makers = automations::find_many(conn, &makers).await?;
    let makers: HashMap<AutomationId, String> = makers.into_iter().map(|automation| (automation.id, automation.name)).collect();
    let row = |message: &Message| {
        let name = message.contact_id.and_then(|id| names.get(&id).cloned().flatten());
        let automation = message.automation_id.and_then(|id| makers.get(&id).cloned());
        Row::new(message, name, automation)
    };
    Ok(messages.iter().map(row).collect())
}

impl State {
    pub(super) fn of(message: &Message) -> Self {
        Self { status: message.status, trouble: why::in_short(message) }
    }
}

impl Row {
    pub(super) fn new(message: &Message, name: Option<String>, automation: Option<String>) -> Self {
        let inbound = message.direction == Direction::Inbound;
        let address = if inbound { message.from_address.as_deref() } else { Some(message.to_address.as_str()) };
        Self {
            id: message.id,
            inbound,
            who: name
                .or_else(|| address.filter(|address| !address.is_empty()).map(|address| shown_address(address).replace(' ', "\u{a0}"))),
            text: first_words(&message.body),
            media: message.media_urls.len(),
            state: State::of(message),
            parts: message.parts,
            automation_id: message.automation_id.filter(|_| automation.is_some()),
            automation,
            created_at: message.created_at,
        }
    }
}

/// A number as people write it; short codes and the like stay as they are.
pub(super) fn shown_address(address: &str) -> String {
    PhoneNumber::from_e164(address).map_or_else(|_| address.to_owned(), |phone| phone.international())
}

fn first_words(text: &str) -> String {
    let mut characters = text.chars();
    let mut words: String = characters.by_ref().take(FIRST_WORDS).collect();
    if characters.next().is_some() {
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_first_words_only() {
        assert_eq!(first_words("Hi"), "Hi");
        let long = first_words(&"ä".repeat(100));
        assert_eq!(long, "ä".repeat(90) + "…");
    }

    #[test]
    fn a_message_without_a_name_is_known_by_its_number() {
        let mut message = super::super::samples::message();
        assert_eq!(Row::new(&message, None, None).who.as_deref(), Some("+1\u{a0}415\u{a0}555\u{a0}0123"));
        message.to_address.clear();
        assert_eq!(Row::new(&message, None, None).who, None);
    }
}
