//! The newest received messages, with their senders.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::inbound;
use crate::messages::message::Message;
use crate::types::id::ContactId;
use crate::web::http::template_filters::shown_address;

/// The number of replies shown.
const SHOWN: i64 = 5;
/// The number of characters of a text that are shown.
const EXCERPT_CHARACTERS: usize = 90;

/// A received message.
#[derive(Debug, Serialize)]
pub(super) struct RecentReply {
    /// The contact's name, else the number.
    who: String,
    /// The first letters of the name; none without a name.
    initials: Option<String>,
    /// The page of the contact, else of the message.
    link: String,
    text: String,
    received_at: DateTime<Utc>,
    /// How long ago: `2 min`.
    ago: String,
}

/// Loads the newest replies, the newest first.
pub(super) async fn load(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<RecentReply>> {
    let messages = inbound::newest_received(conn, SHOWN).await?;
    let mut ids: Vec<ContactId> =
        messages.iter().filter_map(|message| message.contact_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let contacts: HashMap<ContactId, Contact> = contacts::find_many(conn, &ids)
        .await?
        .into_iter()
        .map(|contact| (contact.id, contact))
        .collect();
    let reply = |message: &Message| {
        RecentReply::new(message, message.contact_id.and_then(|id| contacts.get(&id)), now)
    };
    Ok(messages.iter().map(reply).collect())
}

impl RecentReply {
    fn new(message: &Message, contact: Option<&Contact>, now: DateTime<Utc>) -> Self {
        let name = contact.and_then(Contact::full_name);
        let number = || message.their_address().map(shown_address);
        Self {
            initials: name.as_deref().map(initials),
            who: name.or_else(number).unwrap_or_else(|| "Unknown number".to_owned()),
            link: contact.map_or_else(
                || format!("/messages/{}", message.id),
                |contact| format!("/contacts/{}", contact.id),
            ),
            text: excerpt(&message.body),
            received_at: message.created_at,
            ago: ago(now - message.created_at),
        }
    }
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let ends = match words.as_slice() {
        [first, .., last] => vec![*first, *last],
        few => few.to_vec(),
    };
    let letters = ends.iter().filter_map(|word| word.chars().find(|one| one.is_alphanumeric()));
    letters.flat_map(char::to_uppercase).collect()
}

fn excerpt(text: &str) -> String {
    if text.trim().is_empty() {
        return "A picture or file".to_owned();
    }
    let mut characters = text.chars();
    let mut excerpt: String = characters.by_ref().take(EXCERPT_CHARACTERS).collect();
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// A past time as people say it: `now`, `2 min`, `1 h`, `3 d`.
fn ago(span: TimeDelta) -> String {
    match span.num_minutes() {
        ..1 => "now".to_owned(),
        minutes @ ..60 => format!("{minutes} min"),
        _ if span.num_hours() < 24 => format!("{} h", span.num_hours()),
        _ => format!("{} d", span.num_days()),
    }
}

#[cfg(debug_assertions)]
#[path = "samples/recent_replies.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_initials() {
        let names = ["Lucía Fernández", "Mei", "Ann <b> O’Hara", "(Bo) van der Berg", "…"];
        assert_eq!(names.map(initials), ["LF", "M", "AO", "BB", ""]);
    }

    #[test]
    fn a_time_is_said_in_its_largest_unit() {
        let said = [0, 59, 120, 3_599, 3_600, 86_399, 200_000]
            .map(|seconds| ago(TimeDelta::seconds(seconds)));
        assert_eq!(said, ["now", "now", "2 min", "59 min", "1 h", "23 h", "2 d"]);
    }
}
