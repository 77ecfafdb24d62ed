//! The rows of the list of messages.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::reasons;
use crate::automations;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, MessageId};
use crate::web::http::template_filters::shown_address;

/// The number of characters of the text that a row shows.
const EXCERPT_CHARACTERS: usize = 90;

/// A message in the list.
#[derive(Debug, Serialize)]
pub(super) struct MessageListRow {
    pub(super) id: MessageId,
    inbound: bool,
    /// The contact's name, else the number.
    who: Option<String>,
    /// The number, if it differs from the contact's present one.
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

/// The part of a row that live updates replace.
#[derive(Debug, Serialize)]
pub(super) struct RowState {
    pub(super) status: MessageStatus,
    /// The error or the reason, in a few words.
    trouble: Option<String>,
}

/// Loads the rows of some messages, with the names of contacts and automations.
pub(super) async fn rows(conn: &mut Conn, messages: &[Message]) -> Result<Vec<MessageListRow>> {
    let mut contact_ids: Vec<ContactId> =
        messages.iter().filter_map(|message| message.contact_id).collect();
    let mut automation_ids: Vec<AutomationId> =
        messages.iter().filter_map(|message| message.automation_id).collect();
    contact_ids.sort_unstable();
    contact_ids.dedup();
    automation_ids.sort_unstable();
    automation_ids.dedup();
    let contacts = contacts::find_many(conn, &contact_ids).await?;
    let contacts_by_id: HashMap<ContactId, Contact> =
        contacts.into_iter().map(|contact| (contact.id, contact)).collect();
    let automations = automations::find_many(conn, &automation_ids).await?;
    let automations_by_id: HashMap<AutomationId, String> =
        automations.into_iter().map(|automation| (automation.id, automation.name)).collect();
    let row = |message: &Message| {
        let contact = message.contact_id.and_then(|id| contacts_by_id.get(&id));
        let automation = message.automation_id.and_then(|id| automations_by_id.get(&id).cloned());
        MessageListRow::new(message, contact, automation)
    };
    Ok(messages.iter().map(row).collect())
}

impl RowState {
    pub(super) fn of(message: &Message) -> Self {
        Self { status: message.status, trouble: reasons::short_reason(message) }
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
            text: excerpt(&message.body),
            media: message.media_urls.len(),
            state: RowState::of(message),
            parts: message.parts,
            automation_id: message.automation_id.filter(|_| automation.is_some()),
            automation,
            created_at: message.created_at,
        }
    }
}

fn excerpt(text: &str) -> String {
    let mut characters = text.chars();
    let mut excerpt: String = characters.by_ref().take(EXCERPT_CHARACTERS).collect();
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_start_of_the_text() {
        assert_eq!(excerpt("Hi"), "Hi");
        let long = excerpt(&"ä".repeat(100));
        assert_eq!(long, "ä".repeat(90) + "…");
    }

    #[test]
    fn without_a_name_a_row_shows_the_number() {
        let mut message = super::super::samples::message();
        assert_eq!(
            MessageListRow::new(&message, None, None).who.as_deref(),
            Some("+1 415 555 0123")
        );
        message.to_address.clear();
        assert_eq!(MessageListRow::new(&message, None, None).who, None);
    }

    #[test]
    fn another_number_is_shown_beside_the_name() {
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
            "a contact without a name is shown by that number"
        );
    }
}
