//! The rows of the list of messages.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::channel::Channel;
use super::{reasons, time_groups};
use crate::automations;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, MessageId};
use crate::web::http::template_filters::shown_address;

/// The number of characters of the text that a row shows.
const EXCERPT_CHARACTERS: usize = 160;

/// A message in the list.
#[derive(Debug, Serialize)]
pub(super) struct MessageListRow {
    pub(super) id: MessageId,
    /// The heading above it, if it is the first row of its time.
    pub(super) group: Option<String>,
    inbound: bool,
    contact_id: Option<ContactId>,
    /// The contact's name, else the number.
    who: Option<String>,
    /// The number, if it differs from the contact's current one.
    number: Option<String>,
    /// The last digits of that number, for narrow lists.
    last_digits: Option<String>,
    channel: Channel,
    text: String,
    media: usize,
    #[serde(flatten)]
    pub(super) state: RowState,
    parts: i16,
    automation_id: Option<AutomationId>,
    automation: Option<String>,
    created_at: DateTime<Utc>,
    /// The time below the heading: `3 min`, `09:20`.
    time: String,
}

/// The present time, and the time zone that times are shown in.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownClock {
    pub(super) now: DateTime<Utc>,
    pub(super) zone: Tz,
}

/// The part of a row that live updates replace.
#[derive(Debug, Serialize)]
pub(super) struct RowState {
    pub(super) status: MessageStatus,
    /// The word for the status if the usual one does not say why, else empty.
    word: &'static str,
    /// The error or the reason, in a few words.
    trouble: Option<String>,
}

/// Loads the rows of some messages, with the names of contacts and automations.
pub(super) async fn rows(
    conn: &mut Conn,
    messages: &[Message],
    clock: ShownClock,
) -> Result<Vec<MessageListRow>> {
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
        MessageListRow::new(message, contact, automation, clock)
    };
    Ok(grouped(messages.iter().map(row).collect(), clock))
}

/// Adds the headings: each to the first row of its time.
pub(super) fn grouped(mut rows: Vec<MessageListRow>, clock: ShownClock) -> Vec<MessageListRow> {
    let mut last = None;
    for row in &mut rows {
        let heading = time_groups::heading(row.created_at, clock.now, clock.zone);
        if last.as_ref() != Some(&heading) {
            row.group = Some(heading.clone());
            last = Some(heading);
        }
    }
    rows
}

impl RowState {
    pub(super) fn of(message: &Message) -> Self {
        let word = reasons::status_word(message).unwrap_or_default();
        Self {
            status: message.status,
            trouble: reasons::short_reason(message).filter(|trouble| trouble != word),
            word,
        }
    }
}

impl MessageListRow {
    pub(super) fn new(
        message: &Message,
        contact: Option<&Contact>,
        automation: Option<String>,
        clock: ShownClock,
    ) -> Self {
        let name = contact.and_then(Contact::full_name);
        let other = contact
            .filter(|_| name.is_some())
            .and_then(|contact| message.other_address(&contact.phone));
        Self {
            id: message.id,
            group: None,
            contact_id: contact.map(|contact| contact.id),
            last_digits: other.map(last_digits),
            channel: Channel::of(message),
            time: time_groups::short_time(message.created_at, clock.now, clock.zone),
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

/// The last digits of an address: `…0177`.
fn last_digits(address: &str) -> String {
    let start = address.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    format!("…{}", &address[start..])
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
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_row_shows_the_start_of_the_text() {
        assert_eq!(excerpt("Hi"), "Hi");
        let long = excerpt(&"ä".repeat(200));
        assert_eq!(long, "ä".repeat(160) + "…");
    }

    const CLOCK: ShownClock = ShownClock { now: DateTime::UNIX_EPOCH, zone: Tz::UTC };

    fn row(message: &Message, contact: Option<&Contact>) -> MessageListRow {
        MessageListRow::new(message, contact, None, CLOCK)
    }

    #[test]
    fn each_time_has_one_heading() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(3);
        let clock = ShownClock { now, zone: Tz::UTC };
        let message = super::super::samples::message();
        let of_hour = |hour| {
            let created_at = DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
            MessageListRow::new(&Message { created_at, ..message.clone() }, None, None, clock)
        };
        let rows = grouped(vec![of_hour(3), of_hour(3), of_hour(1), of_hour(0)], clock);
        let headings: Vec<_> = rows.iter().map(|row| row.group.as_deref()).collect();
        assert_eq!(headings, [Some("Last hour"), None, Some("Earlier today"), None]);
    }

    #[test]
    fn without_a_name_a_row_shows_the_number() {
        let mut message = super::super::samples::message();
        assert_eq!(row(&message, None).who.as_deref(), Some("+1 415 555 0123"));
        message.to_address.clear();
        assert_eq!(row(&message, None).who, None);
    }

    #[test]
    fn another_number_is_shown_beside_the_name() {
        let mut message = super::super::samples::message();
        let mut contact = super::super::samples::contact("+14155550123");
        let shown = |message: &Message, contact: &Contact| {
            let row = row(message, Some(contact));
            (row.who.unwrap(), row.number)
        };
        assert_eq!(shown(&message, &contact), ("Ann <b> O’Hara".to_owned(), None));
        message.to_address = "+14155550199".to_owned();
        assert_eq!(
            shown(&message, &contact),
            ("Ann <b> O’Hara".to_owned(), Some("+1 415 555 0199".to_owned()))
        );
        assert_eq!(row(&message, Some(&contact)).last_digits.as_deref(), Some("…0199"));
        (contact.first_name, contact.last_name) = (None, None);
        assert_eq!(
            shown(&message, &contact),
            ("+1 415 555 0199".to_owned(), None),
            "a contact without a name is shown by that number"
        );
    }
}
