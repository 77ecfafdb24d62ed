//! The list of contacts, with search and tags.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::consent::{Suppression, suppression};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Contact, ContactFilter, ContactPage, Position};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

const ROWS: usize = 50;
/// More tags than this are not offered for choosing; they can still be reached from a contact.
const TAGS: i64 = 500;

/// What to list: part of every link to the list.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct ContactListQuery {
    q: String,
    tag: String,
    older: Option<ContactId>,
    newer: Option<ContactId>,
}

/// The list.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactListPage {
    q: String,
    tag: String,
    tags: Vec<Choice>,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
    /// How many contacts were looked at, where the search goes on behind them.
    looked_at: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: TagName,
    label: TagName,
}

#[derive(Debug, Serialize)]
struct Row {
    id: ContactId,
    name: Option<String>,
    phone: PhoneNumber,
    email: Option<String>,
    tags: Vec<TagName>,
    /// Why the number may not be texted, in a few words.
    suppression: Option<&'static str>,
    created_at: DateTime<Utc>,
}

pub(super) async fn list(visit: Visit<Viewer>, wanted: Query<ContactListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let filter = ContactFilter {
        tag: wanted_tag(&wanted.tag)?,
        search: wanted.q.clone(),
        default_country: visit.organization.default_country,
        ..ContactFilter::default()
    };
    let found = wanted.page(&mut conn, &filter).await?;
    let choices = tags::list(&mut conn, TAGS).await?;
    let page = ContactListPage::load(&mut conn, &wanted, choices, found).await?;
    drop(conn);
    visit.page(&page)
}

/// The tag by which a list is narrowed. One that cannot be read is refused: without it the list
/// would be another one, of everybody.
pub(super) fn wanted_tag(text: &str) -> Result<Option<TagName>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    TagName::parse(text).map(Some).map_err(|error| Error::field("tag", error.to_string()))
}

impl ContactListQuery {
    async fn page(&self, conn: &mut Conn, filter: &ContactFilter) -> Result<ContactPage> {
        if let Some(id) = self.newer {
            let page = contacts::list(conn, filter, Position::NewerThan(id), ROWS).await?;
            // The way back to the start ends with a full first page, not with the few that are
            // newer.
            if page.newer.is_some() {
                return Ok(page);
            }
        }
        let position = self.older.map_or(Position::Newest, Position::OlderThan);
        contacts::list(conn, filter, position, ROWS).await
    }

    fn link(&self, direction: &str, id: ContactId) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.q), ("tag", &self.tag)] {
            if !value.trim().is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/contacts?{}", query.append_pair(direction, &id.to_string()).finish())
    }
}

impl ContactListPage {
    async fn load(
        conn: &mut Conn,
        wanted: &ContactListQuery,
        choices: Vec<TagName>,
        found: ContactPage,
    ) -> Result<Self> {
        let ids: Vec<_> = found.contacts.iter().map(|contact| contact.id).collect();
        let phones: Vec<_> = found.contacts.iter().map(|contact| contact.phone.clone()).collect();
        let mut tags = tags::of_many(conn, &ids).await?;
        let mut suppressed = suppression::active_many(conn, &phones).await?;
        let row = |contact: Contact| {
            let tags = tags.remove(&contact.id).unwrap_or_default();
            let suppression = suppressed.remove(&contact.phone);
            Row::new(contact, tags, suppression.as_ref())
        };
        Ok(Self {
            q: wanted.q.clone(),
            tag: wanted.tag.clone(),
            tags: choices
                .into_iter()
                .map(|tag| Choice { value: tag.clone(), label: tag })
                .collect(),
            newer: found.newer.map(|id| wanted.link("newer", id)),
            older: found.older.map(|id| wanted.link("older", id)),
            looked_at: found.ends_early.then_some(contacts::SCAN_LIMIT),
            rows: found.contacts.into_iter().map(row).collect(),
        })
    }
}

impl Row {
    fn new(contact: Contact, tags: Vec<TagName>, suppression: Option<&Suppression>) -> Self {
        Self {
            id: contact.id,
            name: contact.full_name(),
            phone: contact.phone,
            email: contact.email,
            tags,
            suppression: suppression.map(Suppression::label),
            created_at: contact.created_at,
        }
    }
}

impl Page for ContactListPage {
    const TEMPLATE: &'static str = "ui/contacts/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_another_page_keeps_search_and_tag() {
        let wanted = ContactListQuery {
            q: "Ann & Bob".to_owned(),
            tag: "VIP".to_owned(),
            older: None,
            newer: None,
        };
        let id = ContactId::new();
        assert_eq!(wanted.link("older", id), format!("/contacts?q=Ann+%26+Bob&tag=VIP&older={id}"));
    }
}
