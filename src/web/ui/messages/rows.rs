//! The rows of the list: each message in a line.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::why;
use crate::automations;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, MessageId};
use crate::types::phone::PhoneNumber;

/// As many characters of a text as a row shows.
const FIRST_WORDS: usize = 90;

/// A message in a line.
#[derive(Debug, Serialize)]
pub(super) struct MessageListRow {
    pub(super) id: MessageId,
    inbound: bool,
    /// The contact's name, else the number, else none.
    who: Option<String>,
    /// The number beside the name, where it is another than the contact has now.
    number: Option<String>,
    text: String,
    media: usize,
    #[serde(flatten)]
    pub(super) state: RowState,
    parts: i16,
    automation_id: Option<AutomationId>,
    automation: Option<String>,
    created_at: DateTime<Utc>,
}

/// The part of a row that changes.
#[derive(Debug, Serialize)]
pub(super) struct RowState {
    pub(super) status: MessageStatus,
    /// What is wrong, in a few words.
    trouble: Option<String>,
}

/// The rows of some messages, with the names that belong to them.
pub(super) async fn rows(conn: &mut Conn, messages: &[Message]) -> Result<Vec<MessageListRow>> {
    let mut people: Vec<ContactId> =
        messages.iter().filter_map(|message| message.contact_id).collect();
    let mut makers: Vec<AutomationId> =
        messages.iter().filter_map(|message| message.automation_id).collect();
    people.sort_unstable();
    people.dedup();
    makers.sort_unstable();
    makers.dedup();
    let people = contacts::find_many(conn, &people).await?;
    let people: HashMap<ContactId, Contact> =
        people.into_iter().map(|contact| (contact.id, contact)).collect();
    let makers = automations::find_many(conn, &makers).await?;
    let makers: HashMap<AutomationId, String> =
        makers.into_iter().map(|automation| (automation.id, automation.name)).collect();
    let row = |message: &Message| {
        let contact = message.contact_id.and_then(|id| people.get(&id));
        let automation = message.automation_id.and_then(|id| makers.get(&id).cloned());
        MessageListRow::new(message, contact, automation)
    };
    Ok(messages.iter().map(row).collect())
}

impl RowState {
    pub(super) fn of(message: &Message) -> Self {
        Self { status: message.status, trouble: why::in_short(message) }
    }
}

impl MessageListRow {
    pub(super) fn new(
        message: &Message,
        contact: Option<&Contact>,
        automation: Option<String>,
    ) -> Self {
        let name = contact.and_then(Contact::full_name);
        let other = contact
            .filter(|_| name.is_some())
            .and_then(|contact| message.other_address(&contact.phone));
        Self {
            id: message.id,
            inbound: message.direction == Direction::Inbound,
            number: other.map(shown_address),
            who: name.or_else(|| message.their_address().map(shown_address)),
            text: first_words(&message.body),
            media: message.media_urls.len(),
            state: RowState::of(message),
            parts: message.parts,
            automation_id: message.automation_id.filter(|_| automation.is_some()),
            automation,
            created_at: message.created_at,
        }
    }
}

/// A number as people write it; short codes and the like stay as they are.
pub(super) fn shown_address(address: &str) -> String {
    PhoneNumber::from_e164(address)
        .map_or_else(|_| address.to_owned(), |phone| phone.international())
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
        assert_eq!(
            MessageListRow::new(&message, None, None).who.as_deref(),
            Some("+1 415 555 0123")
        );
        message.to_address.clear();
        assert_eq!(MessageListRow::new(&message, None, None).who, None);
    }

    #[test]
    fn a_number_that_is_not_the_contacts_stands_beside_the_name() {
        let mut message = super::super::samples::message();
        let mut contact = super::super::samples::contact("+14155550123");
        let shown = |message: &Message, contact: &Contact| {
            let row = MessageListRow::new(message, Some(contact), None);
            (row.who.unwrap(), row.number)
        };
        assert_eq!(shown(&message, &contact), ("Ann <b> O’Hara".to_owned(), None));
        message.to_address = "+14155550199".to_owned();
        assert_eq!(
            shown(&message, &contact),
            ("Ann <b> O’Hara".to_owned(), Some("+1 415 555 0199".to_owned()))
        );
        (contact.first_name, contact.last_name) = (None, None);
        assert_eq!(
            shown(&message, &contact),
            ("+1 415 555 0199".to_owned(), None),
            "whose name is not known is called by that number"
        );
    }
}
