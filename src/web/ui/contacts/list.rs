//! The list of contacts: newest or oldest first, with search and tags.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::consent::{Suppression, suppression};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Contact, ContactFilter, ContactPage, Position};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::quantities::{counted, grouped};
use crate::web::{Page, PageResult, Query, Viewer, Visit};

const ROWS: usize = 50;
/// The largest number of contacts that is counted exactly.
const MAX_COUNTED: usize = 1_000;
/// The largest number of tags that a row shows.
const MAX_ROW_TAGS: usize = 3;
/// The largest number of tags to choose from; further ones can be reached from a contact.
const MAX_TAGS: i64 = 500;

/// Where the list begins with the oldest first.
const OLDEST: Position = Position::NewerThan(ContactId(Uuid::nil()));

/// The query of the list, which is part of every link to it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct ContactListQuery {
    q: String,
    tag: String,
    /// `oldest` for the oldest first, else the newest first.
    sort: String,
    older: Option<ContactId>,
    newer: Option<ContactId>,
}

/// The page with the list of contacts.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactListPage {
    q: String,
    tag: String,
    tags: Vec<Choice>,
    oldest_first: bool,
    /// The path of the list in the other order.
    reversed: String,
    /// The path of the list without the tag.
    without_tag: String,
    /// How many contacts match: `1,204 contacts`, `About 52,000 contacts`. None if that is unknown.
    total: Option<String>,
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
    /// How many tags it has beyond those.
    other_tags: usize,
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
    let total = query.total(&mut conn, &filter, &found).await?;
    let choices = tags::list(&mut conn, MAX_TAGS).await?;
    let page = ContactListPage::load(&mut conn, &query, choices, found).await?;
    let page = ContactListPage { total, ..page };
    drop(conn);
    visit.page(&page)
}

/// Parses the tag that filters a list. An invalid one is an error: without it, the list would
/// contain all contacts.
pub(super) fn parse_tag_filter(text: &str) -> Result<Option<TagName>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    TagName::existing(text).map(Some).map_err(|error| Error::field("tag", error.to_string()))
}

impl ContactListQuery {
    fn is_oldest_first(&self) -> bool {
        self.sort == "oldest"
    }

    /// A page of the list, newest first.
    async fn page(&self, conn: &mut Conn, filter: &ContactFilter) -> Result<ContactPage> {
        // Near the start, show a full first page instead of the few contacts before it.
        if self.is_oldest_first() {
            if let Some(id) = self.older {
                let page = contacts::list(conn, filter, Position::OlderThan(id), ROWS).await?;
                if page.older.is_some() {
                    return Ok(page);
                }
            }
            let from = self.newer.map_or(OLDEST, Position::NewerThan);
            let page = contacts::list(conn, filter, from, ROWS).await?;
            let older = page.older.filter(|_| from != OLDEST);
            return Ok(ContactPage { older, ..page });
        }
        if let Some(id) = self.newer {
            let page = contacts::list(conn, filter, Position::NewerThan(id), ROWS).await?;
            if page.newer.is_some() {
                return Ok(page);
            }
        }
        let position = self.older.map_or(Position::Newest, Position::OlderThan);
        contacts::list(conn, filter, position, ROWS).await
    }

    /// How many contacts match, in words. A search within a tag is not counted, since its matches
    /// may be scattered over the whole index.
    async fn total(
        &self,
        conn: &mut Conn,
        filter: &ContactFilter,
        found: &ContactPage,
    ) -> Result<Option<String>> {
        let is_whole = found.older.is_none() && found.newer.is_none() && !found.ends_early;
        if is_whole {
            return Ok(Some(counted(found.contacts.len(), "contact")));
        }
        let is_search = !self.q.trim().is_empty();
        if is_search && filter.tag.is_some() {
            return Ok(None);
        }
        let count = contacts::count(conn, filter, Position::Newest, MAX_COUNTED).await?;
        if count <= MAX_COUNTED {
            return Ok(Some(counted(count, "contact")));
        }
        let estimate =
            if is_search || filter.tag.is_some() { 0 } else { contacts::estimate(conn).await? };
        Ok(Some(about(estimate)))
    }

    fn link(&self, direction: &str, id: ContactId) -> String {
        let id = id.to_string();
        self.path(&self.tag, self.is_oldest_first(), Some((direction, id.as_str())))
    }

    fn path(&self, tag: &str, oldest_first: bool, position: Option<(&str, &str)>) -> String {
        let sort = if oldest_first { "oldest" } else { "" };
        let filled = [("q", self.q.as_str()), ("tag", tag), ("sort", sort)]
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filled.chain(position))
            .finish();
        if query.is_empty() { "/contacts".to_owned() } else { format!("/contacts?{query}") }
    }
}

/// More than [`MAX_COUNTED`] contacts, of which an estimate may say more: two digits of it.
fn about(estimate: i64) -> String {
    let limit = i64::try_from(MAX_COUNTED).unwrap_or(i64::MAX);
    if estimate <= limit {
        return format!("More than {} contacts", grouped(limit));
    }
    let digits = estimate.to_string().len();
    let unit = 10_i64.pow(u32::try_from(digits.saturating_sub(2)).unwrap_or(0));
    format!("About {} contacts", grouped((estimate + unit / 2) / unit * unit))
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
        let mut rows: Vec<Row> = found.contacts.into_iter().map(row).collect();
        if query.is_oldest_first() {
            rows.reverse();
        }
        Ok(Self {
            q: query.q.clone(),
            tag: query.tag.clone(),
            oldest_first: query.is_oldest_first(),
            reversed: query.path(&query.tag, !query.is_oldest_first(), None),
            without_tag: query.path("", query.is_oldest_first(), None),
            total: None,
            tags: choices
                .into_iter()
                .map(|tag| Choice { value: tag.clone(), label: tag })
                .collect(),
            newer: found.newer.map(|id| query.link("newer", id)),
            older: found.older.map(|id| query.link("older", id)),
            looked_at: found.ends_early.then_some(contacts::SCAN_LIMIT),
            rows,
        })
    }
}

impl Row {
    fn new(contact: Contact, mut tags: Vec<TagName>, suppression: Option<&Suppression>) -> Self {
        let other_tags = tags.len().saturating_sub(MAX_ROW_TAGS);
        tags.truncate(MAX_ROW_TAGS);
        Self {
            id: contact.id,
            name: contact.full_name(),
            phone: contact.phone,
            email: contact.email,
            tags,
            other_tags,
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
            ..ContactListQuery::default()
        };
        let id = ContactId::new();
        assert_eq!(query.link("older", id), format!("/contacts?q=Ann+%26+Bob&tag=VIP&older={id}"));
        assert_eq!(query.path("VIP", true, None), "/contacts?q=Ann+%26+Bob&tag=VIP&sort=oldest");
        assert_eq!(ContactListQuery::default().path("", false, None), "/contacts");
    }

    #[test]
    fn a_long_list_is_estimated_honestly() {
        assert_eq!(
            [-1, 1_000, 1_234, 52_499, 1_250_000].map(about),
            [
                "More than 1,000 contacts",
                "More than 1,000 contacts",
                "About 1,200 contacts",
                "About 52,000 contacts",
                "About 1,300,000 contacts"
            ]
        );
    }
}
