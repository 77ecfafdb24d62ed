//! The scan behind a list of contacts: by the index of a question, or along the list.
//!
//! Each question of a search ([`super::search`]) has an index, but that has another order than the
//! list. What many answer fills a page after a few contacts of the list. Otherwise, what few answer
//! is collected by the index, and what many answer is looked for along the list, [`SCAN_LIMIT`]
//! contacts at a time: however many there are, and wherever they stand, a page costs the same, and
//! says where it goes on.

use std::collections::BTreeSet;

use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::filter::{ContactFilter, Position};
use super::search::{Probe, probes};
use super::tags;
use crate::db::Conn;
use crate::db::schema::{contact_tags, contacts};
use crate::error::Result;
use crate::types::id::{ContactId, TagId};

/// As many contacts are looked at before any index is asked: they lie side by side, whereas those
/// of an index lie all over the disk.
const NEAR: i64 = 2_000;
/// As many contacts may answer a question for all of them to be collected by its index.
const FEW: usize = 2_000;
/// As many contacts are looked at for a question that more than [`FEW`] answer, before a page is
/// shown as it is.
pub const SCAN_LIMIT: i64 = 20_000;

/// What a scan finds.
pub(super) struct Scanned {
    /// Those that match, more than enough of them.
    pub(super) ids: BTreeSet<ContactId>,
    /// Where the scan ended before the list does; none if it has seen all.
    pub(super) end: Option<ContactId>,
}

/// A scan of a part of the list. Each probe is a query of its own, so that each can use its index:
/// one query with `OR` walks the whole table when nothing matches.
pub(super) struct Scan<'a> {
    filter: &'a ContactFilter,
    /// None for everybody.
    pub(super) probes: Vec<Probe>,
    tag_id: Option<TagId>,
    position: Position,
    limit: usize,
}

impl<'a> Scan<'a> {
    /// None if nobody can be found: nobody has the tag, or nothing is asked.
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
        // One more than asked for tells whether there is another page.
        Ok(Some(Self { filter, probes, tag_id, position, limit: limit.saturating_add(1) }))
    }

    /// Walks along the list as far as it has to, or as it may.
    pub(super) async fn run(&self, conn: &mut Conn) -> Result<Scanned> {
        if self.probes.is_empty() {
            return Ok(Scanned { ids: self.all(conn).await?, end: None });
        }
        let near = self.end(conn, NEAR).await?;
        let all: Vec<&Probe> = self.probes.iter().collect();
        let ids = self.along(conn, &all, near).await?;
        if near.is_none() || ids.len() >= self.limit {
            return Ok(Scanned { ids, end: None });
        }
        let (mut few, mut frequent) = (Vec::new(), Vec::new());
        for probe in all {
            match self.few(conn, probe).await? {
                Some(ids) => few.extend(ids),
                None => frequent.push(probe),
            }
        }
        let mut ids: BTreeSet<ContactId> = self.of_these(conn, &few).await?.into_iter().collect();
        if frequent.is_empty() {
            return Ok(Scanned { ids, end: None });
        }
        let end = self.end(conn, SCAN_LIMIT).await?;
        ids.extend(self.along(conn, &frequent, end).await?);
        // Beyond the end only some are known.
        ids.retain(|id| end.is_none_or(|end| self.position.comes_to(*id, end)));
        Ok(Scanned { ids, end })
    }

    /// The nearest, whoever they are.
    pub(super) async fn all(&self, conn: &mut Conn) -> Result<BTreeSet<ContactId>> {
        let ids: Vec<ContactId> = match self.tag_id {
            Some(tag_id) if self.filter.phone.is_none() && self.filter.external_id.is_none() => {
                self.tagged(tag_id).limit(rows(self.limit)).load(conn).await?
            }
            _ => self.ids(conn, None, None).await?,
        };
        Ok(ids.into_iter().collect())
    }

    /// The nearest who answer one of these questions, up to an end of the scan.
    pub(super) async fn along(
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

    /// Everybody who answers a question, wherever they stand; none if they are more than [`FEW`].
    async fn few(&self, conn: &mut Conn, probe: &Probe) -> Result<Option<Vec<ContactId>>> {
        let query = contacts::table
            .select(contacts::id)
            .into_boxed::<Pg>()
            .filter(condition(probe))
            .order(order(probe));
        let found: Vec<ContactId> = query.limit(rows(FEW + 1)).load(conn).await?;
        Ok(Some(found).filter(|found| found.len() <= FEW))
    }

    /// Those that match and answer a question, wherever they stand from the position on.
    pub(super) async fn anywhere(&self, conn: &mut Conn, probe: &Probe) -> Result<Vec<ContactId>> {
        Ok(self
            .query(None)
            .filter(condition(probe))
            .order(order(probe))
            .limit(rows(self.limit))
            .load(conn)
            .await?)
    }

    /// The nearest of those contacts that match the rest of the filter.
    async fn of_these(&self, conn: &mut Conn, ids: &[ContactId]) -> Result<Vec<ContactId>> {
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

    /// The nearest that match, up to an end of the scan.
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

    /// Where a scan of so many contacts ends; none if there are not so many. Only an index is read,
    /// which is why counting off is cheap here.
    async fn end(&self, conn: &mut Conn, far: i64) -> Result<Option<ContactId>> {
        let end = match self.tag_id {
            Some(tag_id) => self.tagged(tag_id).offset(far - 1).limit(1).first(conn).await,
            None => self.in_order(self.range(None)).offset(far - 1).limit(1).first(conn).await,
        };
        Ok(end.optional()?)
    }

    /// Those with a tag, in the order of the list from the position on: by its index, whoever else
    /// there is.
    fn tagged(&self, tag_id: TagId) -> contact_tags::BoxedQuery<'_, Pg, diesel::sql_types::Uuid> {
        let (from, before) = self.range(None);
        let id = contact_tags::contact_id;
        let way = contact_tags::table
            .select(id)
            .filter(contact_tags::tag_id.eq(tag_id))
            .filter(id.ge(from))
            .filter(id.lt(before));
        let way = way.into_boxed::<Pg>();
        match self.position {
            Position::NewerThan(_) => way.order(id.asc()),
            Position::Newest | Position::OlderThan(_) => way.order(id.desc()),
        }
    }

    /// The contacts of a part of the list, in its order.
    fn in_order(
        &self,
        (from, before): (ContactId, ContactId),
    ) -> contacts::BoxedQuery<'_, Pg, diesel::sql_types::Uuid> {
        let way = contacts::table
            .select(contacts::id)
            .filter(contacts::id.ge(from))
            .filter(contacts::id.lt(before))
            .into_boxed::<Pg>();
        match self.position {
            Position::NewerThan(_) => way.order(contacts::id.asc()),
            Position::Newest | Position::OlderThan(_) => way.order(contacts::id.desc()),
        }
    }

    /// From which id on, and before which one: the part of the list between the position and the
    /// end of a scan.
    fn range(&self, end: Option<ContactId>) -> (ContactId, ContactId) {
        let (first, last) = (ContactId(Uuid::nil()), ContactId(Uuid::max()));
        match self.position {
            Position::Newest => (end.unwrap_or(first), last),
            Position::OlderThan(id) => (end.unwrap_or(first), id),
            Position::NewerThan(id) => (beside(id, 1), end.map_or(last, |end| beside(end, 1))),
        }
    }

    /// Contacts in the order of the list, from the position on, up to an end, that match all but
    /// the probes.
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
            // The range of both, since PostgreSQL does not conclude it of one from the other.
            let in_range =
                contact_tags::contact_id.ge(from).and(contact_tags::contact_id.lt(before));
            query = query.filter(exists(contact_tags::table.filter(of_contact.and(in_range))));
        }
        query
    }
}

/// That a contact answers a question, as the question's index has it.
fn condition(probe: &Probe) -> SqlLiteral<Bool, impl diesel::query_builder::QueryFragment<Pg>> {
    let (before, after) = if probe.folds_case() { (" LIKE lower(", ")") } else { (" LIKE (", ")") };
    sql::<Bool>(probe.column()).sql(before).bind::<Text, _>(probe.pattern().to_owned()).sql(after)
}

/// The order of a question's index, so that PostgreSQL takes that and reads no more.
fn order(probe: &Probe) -> SqlLiteral<Text, SqlLiteral<Text>> {
    sql::<Text>(probe.column()).sql(" USING ~<~")
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A place right before or after a contact: nobody stands there.
pub(super) fn beside(id: ContactId, by: i8) -> ContactId {
    ContactId(Uuid::from_u128(id.0.as_u128().saturating_add_signed(i128::from(by))))
}
