//! Lists of contacts: filtered, searched, newest first, paged by id.

use std::collections::BTreeSet;

use diesel::dsl::{exists, sql};
use diesel::pg::Pg;
use diesel::prelude::{BoolExpressionMethods, ExpressionMethods, QueryDsl, TextExpressionMethods};
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::contact::{Contact, find_many};
use super::search::{Probe, probes};
use super::sql::{lower, lower_nullable, reverse};
use super::tags::{self, TagName};
use crate::db::Conn;
use crate::db::schema::{contact_tags, contacts};
use crate::error::Result;
use crate::types::{
    country::Country,
    id::{ContactId, TagId},
    phone::PhoneNumber,
};

/// Which contacts to list; all conditions hold together, and the default lists all.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// The one with this number.
    pub phone: Option<PhoneNumber>,
    /// The one with this id in another system.
    pub external_id: Option<String>,
    /// Those with this tag.
    pub tag: Option<TagName>,
    /// Those whose name, number, email or external id begins with this, or whose number ends with it.
    pub search: String,
    /// How national numbers in `search` are read.
    pub default_country: Option<Country>,
}

/// Where a page of the list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// With the newest contact.
    Newest,
    /// After this contact, towards the past.
    OlderThan(ContactId),
    /// Before this contact, towards the present.
    NewerThan(ContactId),
}

/// A page of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactPage {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// Where the next page begins, if there is one: [`Position::OlderThan`] this.
    pub older: Option<ContactId>,
    /// Where the page before begins, if there is one: [`Position::NewerThan`] this.
    pub newer: Option<ContactId>,
}

/// Lists up to `limit` contacts that match.
pub async fn list(conn: &mut Conn, filter: &ContactFilter, position: Position, limit: usize) -> Result<ContactPage> {
    let Some(found) = matching(conn, filter, position, limit).await? else { return Ok(ContactPage::default()) };
    let (ids, more) = nearest(found, position, limit);
    let mut contacts = find_many(conn, &ids).await?;
    contacts.sort_unstable_by_key(|contact| std::cmp::Reverse(contact.id));
    let (oldest, newest) = (contacts.as_slice().last().map(|contact| contact.id), contacts.as_slice().first().map(|contact| contact.id));
    let (older, newer) = match position {
        Position::Newest => (oldest.filter(|_| more), None),
        Position::OlderThan(_) => (oldest.filter(|_| more), newest),
        Position::NewerThan(_) => (oldest, newest.filter(|_| more)),
    };
    Ok(ContactPage { contacts, older, newer })
}

/// The ids of up to `limit` contacts that match, in the order of the list.
pub async fn list_ids(conn: &mut Conn, filter: &ContactFilter, position: Position, limit: usize) -> Result<Vec<ContactId>> {
    let Some(found) = matching(conn, filter, position, limit).await? else { return Ok(Vec::new()) };
    Ok(nearest(found, position, limit).0)
}

/// Ids that match, more than enough of them; none if nobody can have the tag.
async fn matching(conn: &mut Conn, filter: &ContactFilter, position: Position, limit: usize) -> Result<Option<BTreeSet<ContactId>>> {
    let tag_id = match &filter.tag {
        Some(tag) => match tags::find_id(conn, tag).await? {
            Some(id) => Some(id),
            None => return Ok(None),
        },
        None => None,
    };
    let window = Window { filter, tag_id, position, limit: limit.saturating_add(1) };
    let probes = probes(&filter.search, filter.default_country);
    // One more than asked for tells whether there is another page.
    let mut found = BTreeSet::new();
    if filter.search.trim().is_empty() {
        found.extend(window.ids(conn, None).await?);
    }
    for probe in &probes {
        found.extend(window.ids(conn, Some(probe)).await?);
    }
    Ok(Some(found))
}

/// The ids nearest to the position, and whether there are more.
fn nearest(found: BTreeSet<ContactId>, position: Position, limit: usize) -> (Vec<ContactId>, bool) {
    let more = found.len() > limit;
    let ids = match position {
        Position::NewerThan(_) => found.into_iter().take(limit).collect(),
        Position::Newest | Position::OlderThan(_) => found.into_iter().rev().take(limit).collect(),
    };
    (ids, more)
}

/// The part of the list that is looked at. Each probe is a query of its own, so that each can use its index: one query with
/// `OR` walks the whole table when nothing matches.
struct Window<'a> {
    filter: &'a ContactFilter,
    tag_id: Option<TagId>,
    position: Position,
    limit: usize,
}

/// The expression of the index `contacts_full_name_idx`.
const FULL_NAME: &str = "lower(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, ''))";

impl Window<'_> {
    async fn ids(&self, conn: &mut Conn, probe: Option<&Probe>) -> Result<Vec<ContactId>> {
        let mut query = contacts::table.select(contacts::id).into_boxed::<Pg>();
        query = match probe {
            None => query,
            Some(Probe::FullName(pattern)) => query.filter(sql::<Text>(FULL_NAME).like(lower(pattern))),
            Some(Probe::LastName(pattern)) => query.filter(lower_nullable(contacts::last_name).like(lower_nullable(Some(pattern)))),
            Some(Probe::Email(pattern)) => query.filter(lower_nullable(contacts::email).like(lower_nullable(Some(pattern)))),
            Some(Probe::ExternalId(pattern)) => query.filter(contacts::external_id.like(pattern)),
            Some(Probe::Phone(pattern)) => query.filter(contacts::phone.like(pattern)),
            Some(Probe::PhoneBackwards(pattern)) => query.filter(reverse(contacts::phone).like(pattern)),
        };
        if let Some(phone) = &self.filter.phone {
            query = query.filter(contacts::phone.eq(phone));
        }
        if let Some(external_id) = &self.filter.external_id {
            query = query.filter(contacts::external_id.eq(external_id));
        }
        if let Some(tag_id) = self.tag_id {
            let of_contact = contact_tags::contact_id.eq(contacts::id).and(contact_tags::tag_id.eq(tag_id));
            query = query.filter(exists(contact_tags::table.filter(of_contact)));
        }
        query = match self.position {
            Position::Newest => query.order(contacts::id.desc()),
            Position::OlderThan(id) => query.filter(contacts::id.lt(id)).order(contacts::id.desc()),
            Position::NewerThan(id) => query.filter(contacts::id.gt(id)).order(contacts::id.asc()),
        };
        Ok(query.limit(i64::try_from(self.limit).unwrap_or(i64::MAX)).load(conn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_the_contacts_nearest_to_its_position() {
        let ids: Vec<_> = (0..4).map(|_| ContactId::new()).collect();
        let all = BTreeSet::from_iter(ids.clone());
        assert_eq!(nearest(all.clone(), Position::Newest, 2), (vec![ids[3], ids[2]], true));
        assert_eq!(nearest(all.clone(), Position::NewerThan(ContactId::new()), 2), (vec![ids[0], ids[1]], true));
        assert!(!nearest(all, Position::Newest, 4).1);
    }
}
