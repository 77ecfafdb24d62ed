//! Lists of contacts: filtered, searched, newest first, paged by id (keyset pagination).

use std::collections::BTreeSet;

use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::contact::{Contact, find_many};
use super::filter::{ContactFilter, Position};
use super::list_scan::{Scan, Scanned, adjacent};
use crate::db::Conn;
use crate::error::Result;
use crate::types::id::ContactId;

/// A page of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactPage {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// Where the next page begins, if there is one: [`Position::OlderThan`] this.
    pub older: Option<ContactId>,
    /// Where the previous page begins, if there is one: [`Position::NewerThan`] this.
    pub newer: Option<ContactId>,
    /// Whether the scan stopped after [`SCAN_LIMIT`](super::SCAN_LIMIT) contacts with others left:
    /// the page has fewer contacts than requested.
    pub ends_early: bool,
}

/// Lists up to `limit` contacts that match.
pub async fn list(
    conn: &mut Conn,
    filter: &ContactFilter,
    position: Position,
    limit: usize,
) -> Result<ContactPage> {
    let Some(scan) = Scan::open(conn, filter, position, limit).await? else {
        return Ok(ContactPage::default());
    };
    let Scanned { ids, end } = scan.run(conn).await?;
    let (ids, more) = nearest(ids, position, limit);
    let end = end.filter(|_| !more);
    let mut contacts = find_many(conn, &ids).await?;
    contacts.sort_unstable_by_key(|contact| std::cmp::Reverse(contact.id));
    let (oldest, newest) = (
        contacts.as_slice().last().map(|contact| contact.id),
        contacts.as_slice().first().map(|contact| contact.id),
    );
    // If no contact is found, the way back begins at this position.
    let (older, newer) = match position {
        Position::Newest => (oldest.filter(|_| more).or(end), None),
        Position::OlderThan(id) => {
            (oldest.filter(|_| more).or(end), newest.or(end.map(|_| adjacent(id, -1))))
        }
        Position::NewerThan(id) => {
            (oldest.or(end.map(|_| adjacent(id, 1))), newest.filter(|_| more).or(end))
        }
    };
    Ok(ContactPage { contacts, older, newer, ends_early: end.is_some() })
}

/// The ids of up to `limit` contacts that match, in the order of the list: all that exist, however
/// long the scan takes.
pub async fn list_ids(
    conn: &mut Conn,
    filter: &ContactFilter,
    position: Position,
    limit: usize,
) -> Result<Vec<ContactId>> {
    let Some(scan) = Scan::open(conn, filter, position, limit).await? else {
        return Ok(Vec::new());
    };
    let found = match scan.probes.iter().collect::<Vec<_>>().as_slice() {
        [] => scan.without_probes(conn).await?,
        probes => scan.along_list(conn, probes, None).await?,
    };
    Ok(nearest(found, position, limit).0)
}

/// The number of contacts that match from a position on, counted up to one more than `max`, by the
/// index that finds them.
pub async fn count(
    conn: &mut Conn,
    filter: &ContactFilter,
    position: Position,
    max: usize,
) -> Result<usize> {
    let Some(scan) = Scan::open(conn, filter, position, max).await? else { return Ok(0) };
    if scan.probes.is_empty() {
        return Ok(scan.without_probes(conn).await?.len());
    }
    let mut found = BTreeSet::new();
    for probe in &scan.probes {
        found.extend(scan.by_index(conn, probe).await?);
        if found.len() > max {
            return Ok(max + 1);
        }
    }
    Ok(found.len())
}

/// The number of all contacts as of the last VACUUM or ANALYZE, for lists too long to count.
pub async fn estimate(conn: &mut Conn) -> Result<i64> {
    let rows =
        sql::<BigInt>("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contacts'::regclass");
    Ok(rows.get_result(conn).await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_the_contacts_nearest_to_its_position() {
        let ids: Vec<_> = (0..4).map(|_| ContactId::new()).collect();
        let all = BTreeSet::from_iter(ids.clone());
        assert_eq!(nearest(all.clone(), Position::Newest, 2), (vec![ids[3], ids[2]], true));
        assert_eq!(
            nearest(all.clone(), Position::NewerThan(ContactId::new()), 2),
            (vec![ids[0], ids[1]], true)
        );
        assert!(!nearest(all, Position::Newest, 4).1);
    }
}
