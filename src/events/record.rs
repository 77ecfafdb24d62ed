//! Records events in bulk: a few statements for up to a thousand reports.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{ClientId, ContactRef, NewEvent};
use crate::contacts::{self, ContactChange};
use crate::db::schema::events;
use crate::db::statement::statement;
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::{ContactId, EventId, SourceId};
use crate::types::json_text::JsonText;
use crate::types::mistake::Mistake;
use crate::types::phone::PhoneNumber;

/// Maximum number of events per batch.
pub const MAX_EVENTS: usize = 1_000;

/// Result for one report.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordOutcome {
    /// Stored as this event.
    New(EventId),
    /// Already reported as this event, before or earlier in the batch; nothing changed.
    Repeat(EventId),
    /// Invalid; nothing is stored.
    Refused(FieldErrors),
}

/// Results for a batch of reports.
#[must_use = "the new events and the changes belong to automations::enroll in the same transaction"]
#[derive(Debug)]
pub struct RecordedBatch<'r> {
    /// One result per report, in the same order.
    pub recorded: Vec<RecordOutcome>,
    /// The newly stored events.
    pub new: Vec<RecordedEvent<'r>>,
    /// Contacts that were created.
    pub changes: Vec<ContactChange>,
}

/// A newly stored event.
#[derive(Debug)]
pub struct RecordedEvent<'r> {
    /// Carillon's id.
    pub id: EventId,
    /// The contact who did it.
    pub contact_id: ContactId,
    /// The report.
    pub report: &'r NewEvent,
}

statement! {
    /// Inserts events in the order of their client ids, so that two batches cannot deadlock.
    struct Insert<'a> {
        event: batch of InsertRow<'a> {
            id: EventId => SqlUuid,
            client_id: Option<&'a str> => Nullable<Text>,
            name: &'a str => Text,
            contact_id: ContactId => SqlUuid,
            properties: &'a JsonText => Json,
            occurred_at: DateTime<Utc> => Timestamptz,
            source_id: Option<SourceId> => Nullable<SqlUuid>,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "INSERT INTO events
         (id, client_id, name, contact_id, properties, occurred_at, received_at, source_id)
     SELECT id, client_id, name, contact_id, properties, occurred_at, {now}, source_id
     FROM {event}
     ORDER BY client_id, id"
}

/// Records at most [`MAX_EVENTS`] reports. The results have the order of the reports.
///
/// A known client id makes a report a repeat, whatever its other fields. A contact is created for
/// an unknown number; an unknown id is refused.
///
/// The caller blocks deletions of contacts, and passes the new events and changes to
/// `automations::enroll` before it commits. On a [client id conflict](is_client_id_conflict), the
/// caller starts over.
pub async fn record<'r>(
    conn: &mut Conn,
    reports: &'r [NewEvent],
    now: DateTime<Utc>,
) -> Result<RecordedBatch<'r>> {
    let known =
        find_by_client_id(conn, reports.iter().filter_map(|report| report.client_id.as_ref()))
            .await?;
    let mut index_by_client_id: HashMap<&ClientId, usize> = HashMap::new();
    let firsts: Vec<usize> = reports
        .iter()
        .enumerate()
        .map(|(index, report)| first_with_client_id(&mut index_by_client_id, index, report))
        .collect();
    let is_known = |report: &NewEvent| {
        report.client_id.as_ref().and_then(|id| known.get(id.as_str())).copied()
    };
    let fresh = reports
        .iter()
        .enumerate()
        .filter(|(index, report)| firsts[*index] == *index && is_known(report).is_none());
    let (contacts, changes) =
        NamedContacts::find(conn, fresh.map(|(_, report)| &report.contact), now).await?;

    let (mut recorded, mut new) =
        (Vec::<RecordOutcome>::with_capacity(reports.len()), Vec::with_capacity(reports.len()));
    for (report, first) in reports.iter().zip(firsts) {
        let outcome = match (is_known(report), recorded.get(first)) {
            (Some(id), _) => RecordOutcome::Repeat(id),
            (None, Some(RecordOutcome::New(id))) => RecordOutcome::Repeat(*id),
            (None, Some(same)) => same.clone(),
            (None, None) => match contacts.resolve(&report.contact) {
                Ok(contact_id) => {
                    let id = EventId::new();
                    new.push(RecordedEvent { id, contact_id, report });
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

/// Stores reports about contacts that the caller has just found by their ids, whose client ids are
/// unknown and differ from each other; returns one event per report, in the same order.
///
/// The caller has checked both while it blocks deletions of contacts, and passes the events to
/// `automations` before it commits. On a [client id conflict](is_client_id_conflict), the caller
/// starts over.
pub async fn record_fresh<'r>(
    conn: &mut Conn,
    reports: &'r [(ContactId, NewEvent)],
    now: DateTime<Utc>,
) -> Result<Vec<RecordedEvent<'r>>> {
    let new: Vec<RecordedEvent<'r>> = reports
        .iter()
        .map(|(contact_id, report)| RecordedEvent {
            id: EventId::new(),
            contact_id: *contact_id,
            report,
        })
        .collect();
    insert(conn, &new, now).await?;
    Ok(new)
}

/// The events that were reported with these client ids; unknown ones are left out.
pub async fn find_by_client_id<'r>(
    mut conn: &Conn,
    client_ids: impl Iterator<Item = &'r ClientId>,
) -> Result<HashMap<String, EventId>> {
    let client_ids: Vec<&str> = client_ids.map(ClientId::as_str).collect();
    if client_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(Option<String>, EventId)> = events::table
        .filter(events::client_id.eq_any(client_ids))
        .select((events::client_id, events::id))
        .load(&mut conn)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(|(client_id, id)| client_id.map(|client_id| (client_id, id)))
        .collect())
}

/// Whether another transaction inserted the same client id first. The caller starts over and then
/// finds that event.
#[must_use]
pub fn is_client_id_conflict(error: &Error) -> bool {
    matches!(error, Error::Database(error) if db::violated_constraint(error) == Some("events_client_id_key"))
}

/// The index of the first report in the batch with the same client id: `index` itself, unless it is
/// a repeat.
fn first_with_client_id<'r>(
    index_by_client_id: &mut HashMap<&'r ClientId, usize>,
    index: usize,
    report: &'r NewEvent,
) -> usize {
    report.client_id.as_ref().map_or(index, |id| *index_by_client_id.entry(id).or_insert(index))
}

async fn insert(conn: &mut Conn, new: &[RecordedEvent<'_>], now: DateTime<Utc>) -> Result<()> {
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
        source_id: event.report.source_id,
    });
    Insert { event: rows.collect(), now }.execute(conn).await?;
    Ok(())
}

/// The contacts that a batch of reports refers to.
struct NamedContacts {
    ids: HashSet<ContactId>,
    by_phone: HashMap<PhoneNumber, ContactId>,
    by_external_id: HashMap<String, ContactId>,
}

impl NamedContacts {
    /// Finds the contacts, and creates those of unknown numbers.
    async fn find<'r>(
        conn: &mut Conn,
        references: impl Iterator<Item = &'r ContactRef>,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<ContactChange>)> {
        let (mut ids, mut phones, mut external_ids) =
            (HashSet::new(), HashSet::new(), HashSet::new());
        for reference in references {
            match reference {
                ContactRef::Id(id) => drop(ids.insert(*id)),
                ContactRef::Phone(phone) => drop(phones.insert(phone.clone())),
                ContactRef::ExternalId(id) => drop(external_ids.insert(id.as_str().to_owned())),
            }
        }
        let mut found =
            Self { ids: HashSet::new(), by_phone: HashMap::new(), by_external_id: HashMap::new() };
        if !ids.is_empty() {
            let ids: Vec<ContactId> = ids.into_iter().collect();
            found.ids = contacts::existing(conn, &ids).await?.into_iter().collect();
        }
        if !external_ids.is_empty() {
            let external_ids: Vec<String> = external_ids.into_iter().collect();
            found.by_external_id =
                contacts::ids_by_external_id(conn, &external_ids).await?.into_iter().collect();
        }
        let mut changes = Vec::new();
        if !phones.is_empty() {
            let phones: Vec<PhoneNumber> = phones.into_iter().collect();
            let (by_phone, created) =
                contacts::find_or_create_many_by_phone(conn, &phones, now).await?;
            found.by_phone = by_phone.into_iter().collect();
            changes = created;
        }
        Ok((found, changes))
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
