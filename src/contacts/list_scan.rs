//! The scan behind a list of contacts: by the index of a probe, or along the list.
//!
//! Each probe of a search ([`super::search_probes`]) has an index, but in another order than the
//! list. A probe with many matches fills a page after a few contacts of the list. Otherwise, rare
//! matches are collected by the index, and frequent ones are searched along the list,
//! [`SCAN_LIMIT`] contacts at a time: a page has the same cost wherever its matches are, and says
//! where the next one begins.

use std::collections::BTreeSet;

use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::filter::{ContactFilter, Position};
use super::search_probes::{Probe, probes};
use super::tags;
use crate::db::Conn;
use crate::db::schema::{contact_tags, contacts};
use crate::error::Result;
use crate::types::id::{ContactId, TagId};

/// The number of contacts that are scanned before any index is used: they are adjacent on disk,
/// whereas those of an index are scattered.
const FIRST_SCAN: i64 = 2_000;
/// The largest number of matches of a probe that its index collects completely.
const RARE_LIMIT: usize = 2_000;
/// The number of contacts that are scanned for a probe with more than [`RARE_LIMIT`] matches,
/// before a page is shown as it is.
pub const SCAN_LIMIT: i64 = 20_000;

/// The result of a scan.
pub(super) struct Scanned {
    /// The contacts that match, at least enough of them for the page.
    pub(super) ids: BTreeSet<ContactId>,
    /// Where the scan stopped before the end of the list; `None` if it covered all of it.
    pub(super) end: Option<ContactId>,
}

/// A scan of a part of the list. Each probe is its own query, so that each can use its index: one
/// query with `OR` scans the whole table if nothing matches.
pub(super) struct Scan<'a> {
    filter: &'a ContactFilter,
    /// Empty if the list is not searched.
    pub(super) probes: Vec<Probe>,
    tag_id: Option<TagId>,
    position: Position,
    limit: usize,
}

impl<'a> Scan<'a> {
    /// Prepares a scan; `None` if no contact can match, because none has the tag or the search has
    /// no probes.
    pub(super) async fn open(
        conn: &mut Conn,
        filter: &'a ContactFilter,
        position: Position,
        limit: usize,
    ) -> Result<Option<Self>> {
        let tag_id = match &filter.tag {
            Some(tag) => match tags::find_id(conn, tag).await? {
                Some(id) => Some(id),
                None => return Ok(None),
            },
            None => None,
        };
        let probes = probes(&filter.search, filter.default_country);
        if probes.is_empty() && !filter.search.trim().is_empty() {
            return Ok(None);
        }
        // One more than requested shows whether there is another page.
        Ok(Some(Self { filter, probes, tag_id, position, limit: limit.saturating_add(1) }))
    }

    /// Scans the list as far as needed, or as far as allowed.
    pub(super) async fn run(&self, conn: &mut Conn) -> Result<Scanned> {
        if self.probes.is_empty() {
            return Ok(Scanned { ids: self.without_probes(conn).await?, end: None });
        }
        let first_end = self.end(conn, FIRST_SCAN).await?;
        let probes: Vec<&Probe> = self.probes.iter().collect();
        let ids = self.along_list(conn, &probes, first_end).await?;
        if first_end.is_none() || ids.len() >= self.limit {
            return Ok(Scanned { ids, end: None });
        }
        let (mut rare, mut frequent) = (Vec::new(), Vec::new());
        for probe in probes {
            match self.all_if_rare(conn, probe).await? {
                Some(ids) => rare.extend(ids),
                None => frequent.push(probe),
            }
        }
        let mut ids: BTreeSet<ContactId> = self.filtered(conn, &rare).await?.into_iter().collect();
        if frequent.is_empty() {
            return Ok(Scanned { ids, end: None });
        }
        let end = self.end(conn, SCAN_LIMIT).await?;
        ids.extend(self.along_list(conn, &frequent, end).await?);
        // Beyond the end, only the rare matches are known.
        ids.retain(|id| end.is_none_or(|end| self.position.covers(*id, end)));
        Ok(Scanned { ids, end })
    }

    /// The nearest contacts that match the filter, without a search.
    pub(super) async fn without_probes(&self, conn: &mut Conn) -> Result<BTreeSet<ContactId>> {
        let ids: Vec<ContactId> = match self.tag_id {
            Some(tag_id) if self.filter.phone.is_none() && self.filter.external_id.is_none() => {
                self.tagged(tag_id).limit(rows(self.limit)).load(conn).await?
            }
            _ => self.ids(conn, None, None).await?,
        };
        Ok(ids.into_iter().collect())
    }

    /// The nearest contacts that match one of these probes, up to an end of the scan.
    pub(super) async fn along_list(
        &self,
        conn: &mut Conn,
        probes: &[&Probe],
        end: Option<ContactId>,
    ) -> Result<BTreeSet<ContactId>> {
        let mut found = BTreeSet::new();
        for probe in probes {
            found.extend(self.ids(conn, Some(probe), end).await?);
        }
        Ok(found)
    }

    /// All contacts that match a probe, anywhere in the list; `None` if there are more than
    /// [`RARE_LIMIT`].
    async fn all_if_rare(&self, conn: &mut Conn, probe: &Probe) -> Result<Option<Vec<ContactId>>> {
        let query = contacts::table
            .select(contacts::id)
            .into_boxed::<Pg>()
            .filter(condition(probe))
            .order(order(probe));
        let found: Vec<ContactId> = query.limit(rows(RARE_LIMIT + 1)).load(conn).await?;
        Ok(Some(found).filter(|found| found.len() <= RARE_LIMIT))
    }

    /// The contacts from the position on that match the filter and a probe, in the order of the
    /// index.
    pub(super) async fn by_index(&self, conn: &mut Conn, probe: &Probe) -> Result<Vec<ContactId>> {
        Ok(self
            .query(None)
            .filter(condition(probe))
            .order(order(probe))
            .limit(rows(self.limit))
            .load(conn)
            .await?)
    }

    /// The nearest of those contacts that match the rest of the filter.
    async fn filtered(&self, conn: &mut Conn, ids: &[ContactId]) -> Result<Vec<ContactId>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self
            .query(None)
            .filter(contacts::id.eq_any(ids))
            .limit(rows(self.limit))
            .load(conn)
            .await?)
    }

    /// The nearest contacts that match the filter and a probe, up to an end of the scan.
    async fn ids(
        &self,
        conn: &mut Conn,
        probe: Option<&Probe>,
        end: Option<ContactId>,
    ) -> Result<Vec<ContactId>> {
        let mut query = self.query(end);
        if let Some(probe) = probe {
            query = query.filter(condition(probe));
        }
        Ok(query.limit(rows(self.limit)).load(conn).await?)
    }

    /// Where a scan of this many contacts ends; `None` if there are fewer. Only an index is read,
    /// which makes OFFSET cheap here.
    async fn end(&self, conn: &mut Conn, count: i64) -> Result<Option<ContactId>> {
        let end = match self.tag_id {
            Some(tag_id) => self.tagged(tag_id).offset(count - 1).limit(1).first(conn).await,
            None => self.in_order(self.range(None)).offset(count - 1).limit(1).first(conn).await,
        };
        Ok(end.optional()?)
    }

    /// The contacts with a tag, in the order of the list from the position on, by the index of the
    /// tag.
    fn tagged(&self, tag_id: TagId) -> contact_tags::BoxedQuery<'_, Pg, diesel::sql_types::Uuid> {
        let (from, before) = self.range(None);
        let id = contact_tags::contact_id;
        let query = contact_tags::table
            .select(id)
            .filter(contact_tags::tag_id.eq(tag_id))
            .filter(id.ge(from))
            .filter(id.lt(before));
        let query = query.into_boxed::<Pg>();
        match self.position {
            Position::NewerThan(_) => query.order(id.asc()),
            Position::Newest | Position::OlderThan(_) => query.order(id.desc()),
        }
    }

    /// The contacts of a part of the list, in its order.
    fn in_order(
        &self,
        (from, before): (ContactId, ContactId),
    ) -> contacts::BoxedQuery<'_, Pg, diesel::sql_types::Uuid> {
        let query = contacts::table
            .select(contacts::id)
            .filter(contacts::id.ge(from))
            .filter(contacts::id.lt(before))
            .into_boxed::<Pg>();
        match self.position {
            Position::NewerThan(_) => query.order(contacts::id.asc()),
            Position::Newest | Position::OlderThan(_) => query.order(contacts::id.desc()),
        }
    }

    /// The ids of the part of the list between the position and the end of a scan: the first one,
    /// and the one after the last.
    fn range(&self, end: Option<ContactId>) -> (ContactId, ContactId) {
        let (first, last) = (ContactId(Uuid::nil()), ContactId(Uuid::max()));
        match self.position {
            Position::Newest => (end.unwrap_or(first), last),
            Position::OlderThan(id) => (end.unwrap_or(first), id),
            Position::NewerThan(id) => (adjacent(id, 1), end.map_or(last, |end| adjacent(end, 1))),
        }
    }

    /// The contacts that match the filter without the probes, in the order of the list, from the
    /// position on up to an end.
    fn query(
        &self,
        end: Option<ContactId>,
    ) -> contacts::BoxedQuery<'_, Pg, diesel::sql_types::Uuid> {
        let (from, before) = self.range(end);
        let mut query = self.in_order((from, before));
        if let Some(phone) = &self.filter.phone {
            query = query.filter(contacts::phone.eq_any(phone.forms()));
        }
        if let Some(external_id) = &self.filter.external_id {
            query = query.filter(contacts::external_id.eq(external_id));
        }
        if let Some(tag_id) = self.tag_id {
            let of_contact =
                contact_tags::contact_id.eq(contacts::id).and(contact_tags::tag_id.eq(tag_id));
            // The range is given for both tables, since PostgreSQL does not derive one from the
            // other.
            let in_range =
                contact_tags::contact_id.ge(from).and(contact_tags::contact_id.lt(before));
            query = query.filter(exists(contact_tags::table.filter(of_contact.and(in_range))));
        }
        query
    }
}

/// The condition that a contact matches a probe, as the probe's index expresses it.
fn condition(probe: &Probe) -> SqlLiteral<Bool, impl diesel::query_builder::QueryFragment<Pg>> {
    let (before, after) = if probe.folds_case() { (" LIKE lower(", ")") } else { (" LIKE (", ")") };
    sql::<Bool>(probe.column()).sql(before).bind::<Text, _>(probe.pattern().to_owned()).sql(after)
}

/// The order of a probe's index, so that PostgreSQL uses that and reads no more than the limit.
fn order(probe: &Probe) -> SqlLiteral<Text, SqlLiteral<Text>> {
    sql::<Text>(probe.column()).sql(" USING ~<~")
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The id right before or after that of a contact, which no contact has.
pub(super) fn adjacent(id: ContactId, by: i8) -> ContactId {
    ContactId(Uuid::from_u128(id.0.as_u128().saturating_add_signed(i128::from(by))))
}
