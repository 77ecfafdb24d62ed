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
/// The largest number of tags to choose from; further ones can be reached from a contact.
const MAX_TAGS: i64 = 500;

/// The query of the list, which is part of every link to it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct ContactListQuery {
    q: String,
    tag: String,
    older: Option<ContactId>,
    newer: Option<ContactId>,
}

/// The page with the list of contacts.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactListPage {
    q: String,
    tag: String,
    tags: Vec<Choice>,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
    /// The number of contacts that were searched, if the search stopped at its limit.
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
    /// The short label of the suppression, if the number may not be texted.
    suppression: Option<&'static str>,
    created_at: DateTime<Utc>,
}

pub(super) async fn list(visit: Visit<Viewer>, query: Query<ContactListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let filter = ContactFilter {
        tag: parse_tag_filter(&query.tag)?,
        search: query.q.clone(),
        default_country: visit.organization.default_country,
        ..ContactFilter::default()
    };
    let found = query.page(&mut conn, &filter).await?;
    let choices = tags::list(&mut conn, MAX_TAGS).await?;
    let page = ContactListPage::load(&mut conn, &query, choices, found).await?;
    drop(conn);
    visit.page(&page)
}

/// Parses the tag that filters a list. An invalid one is an error: without it, the list would
/// contain all contacts.
pub(super) fn parse_tag_filter(text: &str) -> Result<Option<TagName>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    TagName::parse(text).map(Some).map_err(|error| Error::field("tag", error.to_string()))
}

impl ContactListQuery {
    async fn page(&self, conn: &mut Conn, filter: &ContactFilter) -> Result<ContactPage> {
        if let Some(id) = self.newer {
            let page = contacts::list(conn, filter, Position::NewerThan(id), ROWS).await?;
            // Near the start, show a full first page instead of the few newer contacts.
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
        query: &ContactListQuery,
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
            q: query.q.clone(),
            tag: query.tag.clone(),
            tags: choices
                .into_iter()
                .map(|tag| Choice { value: tag.clone(), label: tag })
                .collect(),
            newer: found.newer.map(|id| query.link("newer", id)),
            older: found.older.map(|id| query.link("older", id)),
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
        let query = ContactListQuery {
            q: "Ann & Bob".to_owned(),
            tag: "VIP".to_owned(),
            older: None,
            newer: None,
        };
        let id = ContactId::new();
        assert_eq!(query.link("older", id), format!("/contacts?q=Ann+%26+Bob&tag=VIP&older={id}"));
    }
}
