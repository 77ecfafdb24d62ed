//! The list of messages, with its filters.

use std::collections::HashMap;

use actix_web::web::Query;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::wanted::Wanted;
use super::why;
use crate::contacts;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::list::{self as messages, Direction, Message, MessageFilter};
use crate::messages::outcome::Outcome;
use crate::messages::status::MessageStatus;
use crate::types::id::{AutomationId, ContactId, MessageId};
use crate::types::phone::PhoneNumber;
use crate::web::ui::Choice;
use crate::web::ui::ledger::words;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{automations, senders, templates};

const ROWS: i64 = 50;
/// More choices than this are not offered; messages of the others can still be reached from their pages.
const CHOICES: i64 = 500;
/// As many characters of a text as a row shows.
const FIRST_WORDS: usize = 90;

/// The list.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct ListPage {
    wanted: Wanted,
    narrow: bool,
    outcomes: Vec<Choice>,
    particular: bool,
    /// The reason that is asked for, in words.
    reason: Option<String>,
    errors: FieldErrors,
    statuses: Vec<Choice>,
    directions: Vec<Choice>,
    automations: Vec<Choice>,
    templates: Vec<Choice>,
    senders: Vec<Choice>,
    /// Whose messages these are, if those of one contact are asked for.
    contact: Option<Person>,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Person {
    id: ContactId,
    name: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: MessageId,
    inbound: bool,
    /// The contact's name, else the number, else none.
    who: Option<String>,
    text: String,
    media: usize,
    status: MessageStatus,
    /// What is wrong, in a few words.
    trouble: Option<String>,
    parts: i16,
    automation_id: Option<AutomationId>,
    automation: Option<String>,
    created_at: DateTime<Utc>,
}

/// A page of messages, and whether there are more on either side.
struct Found {
    messages: Vec<Message>,
    newer: bool,
    older: bool,
}

pub(super) async fn list(visit: Visit<Viewer>, wanted: Query<Wanted>) -> PageResult {
    let wanted = wanted.into_inner();
    let mut conn = visit.conn().await?;
    let page = match wanted.filter(visit.organization.default_country, visit.now().date_naive()) {
        Ok(filter) => {
            let found = find(&mut conn, &wanted, &filter).await?;
            ListPage::load(&mut conn, wanted, FieldErrors::default()).await?.with(&mut conn, &filter, found).await?
        }
        Err(errors) => ListPage::load(&mut conn, wanted, errors).await?,
    };
    drop(conn);
    visit.page(&page)
}

async fn find(conn: &mut Conn, wanted: &Wanted, filter: &MessageFilter) -> Result<Found> {
    // One more than is shown tells whether there is another page.
    let more = |messages: &Vec<Message>| i64::try_from(messages.len()).unwrap_or(i64::MAX) > ROWS;
    if let Some(after) = wanted.newer {
        let mut messages = messages::list_newer(conn, filter, after, ROWS + 1).await?;
        // The way back to the start ends with a full first page, not with the few that are newer.
        if more(&messages) {
            messages.remove(0);
            return Ok(Found { messages, newer: true, older: true });
        }
    }
    let before = wanted.older.filter(|_| wanted.newer.is_none());
    let mut messages = messages::list(conn, filter, before, ROWS + 1).await?;
    let older = more(&messages);
    if older {
        messages.pop();
    }
    Ok(Found { messages, newer: before.is_some(), older })
}

impl ListPage {
    /// The page with its choices, without rows.
    async fn load(conn: &mut Conn, wanted: Wanted, errors: FieldErrors) -> Result<Self> {
        let automations = automations::list(conn, None, CHOICES).await?;
        let templates = templates::list(conn, None, CHOICES).await?;
        let senders = senders::list(conn).await?;
        Ok(Self {
            automations: std::iter::once(Choice::new("none", "No automation"))
                .chain(automations.into_iter().map(|one| Choice::new(one.id.to_string(), one.name)))
                .collect(),
            templates: templates.into_iter().map(|one| Choice::new(one.id.to_string(), one.name)).collect(),
            senders: senders.into_iter().map(|one| Choice::new(one.id.to_string(), one.label())).collect(),
            ..Self::bare(wanted, errors)
        })
    }

    fn bare(wanted: Wanted, errors: FieldErrors) -> Self {
        let word = |word: &str| Choice::new(word, sentence_case(word));
        Self {
            narrow: wanted.is_narrow(),
            particular: wanted.is_particular(),
            reason: Some(wanted.reason.as_str()).filter(|reason| !reason.is_empty()).map(|reason| words(None, Some(reason))),
            outcomes: Outcome::ALL.iter().map(|outcome| word(outcome.as_str())).collect(),
            statuses: MessageStatus::ALL.iter().map(|status| word(status.as_str())).collect(),
            directions: Direction::ALL.iter().map(|direction| word(direction.as_str())).collect(),
            wanted,
            errors,
            ..Self::default()
        }
    }

    /// The same page with rows.
    async fn with(self, conn: &mut Conn, filter: &MessageFilter, found: Found) -> Result<Self> {
        let contact = match filter.contact_id {
            Some(id) => Some(Person { id, name: person(conn, id).await? }),
            None => None,
        };
        let (first, last) = (found.messages.first().map(|message| message.id), found.messages.last().map(|message| message.id));
        Ok(Self {
            contact,
            newer: first.filter(|_| found.newer).map(|id| self.wanted.link("newer", id)),
            older: last.filter(|_| found.older).map(|id| self.wanted.link("older", id)),
            rows: rows(conn, found.messages).await?,
            ..self
        })
    }
}

async fn person(conn: &mut Conn, id: ContactId) -> Result<String> {
    match contacts::find(conn, id).await {
        Ok(contact) => Ok(contact.full_name().unwrap_or_else(|| contact.phone.international())),
        Err(Error::NotFound(_)) => Ok("a contact that was deleted".to_owned()),
        Err(error) => Err(error),
    }
}

async fn rows(conn: &mut Conn, messages: Vec<Message>) -> Result<Vec<Row>> {
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

impl Row {
    fn new(message: &Message, name: Option<String>, automation: Option<String>) -> Self {
        let inbound = message.direction == Direction::Inbound;
        let address = if inbound { message.from_address.as_deref() } else { Some(message.to_address.as_str()) };
        Self {
            id: message.id,
            inbound,
            who: name
                .or_else(|| address.filter(|address| !address.is_empty()).map(|address| shown_address(address).replace(' ', "\u{a0}"))),
            trouble: why::in_short(message),
            text: first_words(&message.body),
            media: message.media_urls.len(),
            status: message.status,
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

fn sentence_case(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "ui/messages/list.html";

    fn samples() -> Vec<Self> {
        let rows = super::samples::messages().into_iter().enumerate();
        let rows = rows.map(|(at, message)| {
            let name = (at % 2 == 0).then(|| "Ann <b> O’Hara".to_owned());
            let automation = message.automation_id.map(|_| "Thank <you> & see you".to_owned());
            Row::new(&message, name, automation)
        });
        let choices = vec![Choice::new("01980d3c-9b5a-7000-8000-000000000000", "Thank <you>")];
        let wanted = Wanted { to: "\"><script>".to_owned(), error_code: "x".to_owned(), ..Wanted::default() };
        let link = Wanted { status: "sent".to_owned(), ..Wanted::default() }.link("older", MessageId::new());
        let wrong = FieldErrors::default().with("to", "This is not a phone number.").with("error_code", "Enter a number, such as 30003.");
        let narrow = Wanted { contact_id: "1".to_owned(), ..Wanted::default() };
        let person = Person { id: ContactId::new(), name: "Ann <b>".to_owned() };
        vec![
            Self {
                rows: rows.collect(),
                automations: choices.clone(),
                templates: choices.clone(),
                senders: choices,
                newer: Some(link.clone()),
                older: Some(link),
                ..Self::bare(Wanted::default(), FieldErrors::default())
            },
            Self::bare(Wanted::default(), FieldErrors::default()),
            Self::bare(wanted, wrong),
            Self { contact: Some(person), ..Self::bare(narrow, FieldErrors::default()) },
        ]
    }
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
