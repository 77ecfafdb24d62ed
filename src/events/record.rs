//! Records events in bulk: a handful of statements for up to a thousand reports.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{ClientId, ContactRef, NewEvent};
use crate::contacts::{self, Change};
use crate::db::schema::events;
use crate::db::statement::statement;
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::{ContactId, EventId};
use crate::types::json_text::JsonText;
use crate::types::mistake::Mistake;
use crate::types::phone::PhoneNumber;

/// Events that may be recorded at once.
pub const MAX_EVENTS: usize = 1_000;

/// What became of one report.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordOutcome {
    /// It is stored, as this event.
    New(EventId),
    /// It had been reported before, as this event, or earlier in the same batch: nothing happened.
    Repeat(EventId),
    /// It cannot be recorded; nothing of it is stored.
    Refused(FieldErrors),
}

/// What became of a batch of reports.
#[must_use = "the new events and the changes belong to automations::enroll in the same transaction"]
#[derive(Debug)]
pub struct RecordedBatch<'r> {
    /// One answer per report, in their order.
    pub recorded: Vec<RecordOutcome>,
    /// The events that are new.
    pub new: Vec<RecordedNow<'r>>,
    /// Contacts that were created.
    pub changes: Vec<Change>,
}

/// An event that has just been stored.
#[derive(Debug)]
pub struct RecordedNow<'r> {
    /// Our id.
    pub id: EventId,
    /// Who did it.
    pub contact_id: ContactId,
    /// What was reported.
    pub report: &'r NewEvent,
}

statement! {
    /// Inserts events; in the order of their client ids, so that two batches cannot deadlock.
    struct Insert<'a> {
        event: batch of InsertRow<'a> {
            id: EventId => SqlUuid,
            client_id: Option<&'a str> => Nullable<Text>,
            name: &'a str => Text,
            contact_id: ContactId => SqlUuid,
            properties: &'a JsonText => Json,
            occurred_at: DateTime<Utc> => Timestamptz,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "INSERT INTO events (id, client_id, name, contact_id, properties, occurred_at, received_at)
     SELECT id, client_id, name, contact_id, properties, occurred_at, {now}
     FROM {event}
     ORDER BY client_id, id"
}

/// Records reports, at most [`MAX_EVENTS`], and answers each in its place.
///
/// A known client id is a repeat, whatever else the report says; within the batch, too. An unknown
/// number becomes a contact, an unknown id is refused. The caller holds deletions of contacts off,
/// and passes the new events and the changes to `automations::enroll` before it commits. Where
/// another transaction [was quicker](was_quicker) with a client id, the caller begins anew.
pub async fn record<'r>(
    conn: &mut Conn,
    reports: &'r [NewEvent],
    now: DateTime<Utc>,
) -> Result<RecordedBatch<'r>> {
    let known =
        find_by_client_id(conn, reports.iter().filter_map(|report| report.client_id.as_ref()))
            .await?;
    let mut seen: HashMap<&ClientId, usize> = HashMap::new();
    let firsts: Vec<usize> =
        reports.iter().enumerate().map(|(index, report)| first(&mut seen, index, report)).collect();
    let is_known = |report: &NewEvent| {
        report.client_id.as_ref().and_then(|id| known.get(id.as_str())).copied()
    };
    let fresh = reports
        .iter()
        .enumerate()
        .filter(|(index, report)| firsts[*index] == *index && is_known(report).is_none());
    let (people, changes) =
        People::find(conn, fresh.map(|(_, report)| &report.contact), now).await?;

    let (mut recorded, mut new) =
        (Vec::<RecordOutcome>::with_capacity(reports.len()), Vec::with_capacity(reports.len()));
    for (report, first) in reports.iter().zip(firsts) {
        let outcome = match (is_known(report), recorded.get(first)) {
            (Some(id), _) => RecordOutcome::Repeat(id),
            (None, Some(RecordOutcome::New(id))) => RecordOutcome::Repeat(*id),
            (None, Some(same)) => same.clone(),
            (None, None) => match people.resolve(&report.contact) {
                Ok(contact_id) => {
                    let id = EventId::new();
                    new.push(RecordedNow { id, contact_id, report });
                    RecordOutcome::New(id)
                }
                Err(errors) => RecordOutcome::Refused(errors),
            },
        };
        recorded.push(outcome);
    }
    insert(conn, &new, now).await?;
    Ok(RecordedBatch { recorded, new, changes })
}

/// Whether another transaction was quicker with a client id: to be begun anew, it then finds that
/// one's event.
#[must_use]
pub fn was_quicker(error: &Error) -> bool {
    matches!(error, Error::Database(error) if db::constraint(error) == Some("events_client_id_key"))
}

/// The place of the first report in the batch with the same client id: its own, unless it repeats
/// one.
fn first<'r>(seen: &mut HashMap<&'r ClientId, usize>, index: usize, report: &'r NewEvent) -> usize {
    report.client_id.as_ref().map_or(index, |id| *seen.entry(id).or_insert(index))
}

async fn insert(conn: &mut Conn, new: &[RecordedNow<'_>], now: DateTime<Utc>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = new.iter().map(|event| InsertRow {
        id: event.id,
        client_id: event.report.client_id.as_ref().map(ClientId::as_str),
        name: event.report.name.as_str(),
        contact_id: event.contact_id,
        properties: event.report.properties.text(),
        occurred_at: event.report.occurred_at.unwrap_or(now),
    });
    Insert { event: rows.collect(), now }.execute(conn).await?;
    Ok(())
}

async fn find_by_client_id<'r>(
    conn: &mut Conn,
    client_ids: impl Iterator<Item = &'r ClientId>,
) -> Result<HashMap<String, EventId>> {
    let client_ids: Vec<&str> = client_ids.map(ClientId::as_str).collect();
    if client_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(Option<String>, EventId)> = events::table
        .filter(events::client_id.eq_any(client_ids))
        .select((events::client_id, events::id))
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(|(client_id, id)| client_id.map(|client_id| (client_id, id)))
        .collect())
}

/// The contacts that a batch of reports names.
struct People {
    ids: HashSet<ContactId>,
    by_phone: HashMap<PhoneNumber, ContactId>,
    by_external_id: HashMap<String, ContactId>,
}

impl People {
    /// Finds them all, and creates those of unknown numbers.
    async fn find<'r>(
        conn: &mut Conn,
        named: impl Iterator<Item = &'r ContactRef>,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<Change>)> {
        let (mut ids, mut phones, mut external_ids) =
            (HashSet::new(), HashSet::new(), HashSet::new());
        for reference in named {
            match reference {
                ContactRef::Id(id) => drop(ids.insert(*id)),
                ContactRef::Phone(phone) => drop(phones.insert(phone.clone())),
                ContactRef::ExternalId(id) => drop(external_ids.insert(id.as_str().to_owned())),
            }
        }
        let mut people =
            Self { ids: HashSet::new(), by_phone: HashMap::new(), by_external_id: HashMap::new() };
        if !ids.is_empty() {
            let ids: Vec<ContactId> = ids.into_iter().collect();
            people.ids = contacts::existing(conn, &ids).await?.into_iter().collect();
        }
        if !external_ids.is_empty() {
            let external_ids: Vec<String> = external_ids.into_iter().collect();
            people.by_external_id =
                contacts::ids_by_external_id(conn, &external_ids).await?.into_iter().collect();
        }
        let mut changes = Vec::new();
        if !phones.is_empty() {
            let phones: Vec<PhoneNumber> = phones.into_iter().collect();
            let (found, created) =
                contacts::find_or_create_many_by_phone(conn, &phones, now).await?;
            people.by_phone = found.into_iter().collect();
            changes = created;
        }
        Ok((people, changes))
    }

    fn resolve(&self, reference: &ContactRef) -> std::result::Result<ContactId, FieldErrors> {
        let (field, found) = match reference {
            ContactRef::Id(id) => ("contact.id", self.ids.get(id)),
            ContactRef::Phone(phone) => ("contact.phone", self.by_phone.get(phone)),
            ContactRef::ExternalId(id) => {
                ("contact.external_id", self.by_external_id.get(id.as_str()))
            }
        };
        found
            .copied()
            .ok_or_else(|| FieldErrors::default().with(field, Mistake::Unknown("contact")))
    }
}
