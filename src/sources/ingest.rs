//! Records what sources sent: people and events of many requests, in one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::try_join;

use super::counts::{self, ItemCounts};
use super::deliveries::{self, EndedDelivery, NewDelivery};
use super::item::{Item, ItemOutcome, PersonKeys};
use super::people;
use crate::automations::enroll::Enrolled;
use crate::automations::{start_automations, started_by_event};
use crate::contacts::{ExternalId, deletion};
use crate::db::{Begun, Closing};
use crate::error::{Error, FieldErrors, Result};
use crate::events::{self, ClientId, ContactRef, NewEvent};
use crate::messages::stop_lock;
use crate::queue::Receiver;
use crate::queue::lease::Leased;
use crate::types::id::{ContactId, EventId, SourceId};

/// The largest number of items that one transaction records.
pub const MAX_ITEMS: usize = 1_000;

/// A request of a source.
#[derive(Debug)]
pub struct IngestRequest {
    /// The source that sent it.
    pub source_id: SourceId,
    /// What it says, in order.
    pub items: Vec<Item>,
    /// How many items were refused while they were parsed.
    pub rejected: u32,
    /// The request as it arrived, if it is to be shown and replayed; its outcome is that of the
    /// first item.
    pub delivery: Option<NewDelivery>,
}

/// What became of requests.
#[derive(Debug)]
pub struct Ingested {
    /// The outcome of each item of each request, in order.
    pub outcomes: Vec<Vec<ItemOutcome>>,
    /// The contacts that were enrolled in automations.
    pub enrolled: Vec<Enrolled>,
    /// The jobs leased to the receiver, effective when the transaction commits.
    pub jobs: Vec<Leased>,
}

/// Records requests with at most [`MAX_ITEMS`] items in all; an earlier item counts for later ones.
///
/// The items of known people that only report events take a fixed number of statements and lock no
/// contact. An event that was reported before is left out with all that its item says.
///
/// On a [conflict](is_ingest_conflict), the caller starts over. New contacts and tags start
/// automations like those of the API; the first steps go to `receiver`.
pub async fn ingest(
    tx: Begun<'_>,
    requests: &[IngestRequest],
    receiver: Receiver,
    now: DateTime<Utc>,
) -> Result<Ingested> {
    let mut tx = deletion::hold_off_with_generic_plans(tx).await?;
    let items: Vec<&Item> = requests.iter().flat_map(|request| &request.items).collect();
    let client_ids = items.iter().filter_map(|item| item.event.as_ref()?.client_id.as_ref());
    let (known, found) =
        try_join!(events::find_by_client_id(&tx, client_ids), people::find(&tx, &items))?;
    let plans = plan(&items, &known);
    let fresh: Vec<&Item> = items
        .iter()
        .zip(&plans)
        .filter_map(|(item, plan)| plan.is_fresh().then_some(*item))
        .collect();
    let people = people::resolve(&mut tx, &fresh, &found, now).await?;

    let source_ids = requests.iter().flat_map(|it| it.items.iter().map(|_| it.source_id));
    let fresh_sources =
        source_ids.zip(&plans).filter_map(|(source_id, plan)| plan.is_fresh().then_some(source_id));
    let reports = reports(&fresh, fresh_sources, &people.contacts);
    let new = events::record_fresh(&mut tx, &reports, now).await?;
    let (enrolled, jobs) = start_automations(&mut tx, &people.changes, &new, receiver, now).await?;

    let started = started_by_event(&enrolled);
    let ids = new.iter().map(|event| (event.id, started.get(&event.id).copied().unwrap_or(0)));
    let fresh_outcomes = fresh_outcomes(&fresh, &people.contacts, ids);
    let mut outcomes = all_outcomes(plans, fresh_outcomes).into_iter();
    let outcomes: Vec<Vec<ItemOutcome>> = requests
        .iter()
        .map(|request| outcomes.by_ref().take(request.items.len()).collect())
        .collect();
    counts::add(&mut tx, &count(requests, &outcomes), now).await?;
    let deliveries = requests.iter().zip(&outcomes).filter_map(|(request, outcomes)| {
        let delivery = request.delivery.as_ref()?;
        Some(EndedDelivery::new(request.source_id, delivery, outcomes.first()))
    });
    deliveries::record(&mut tx, &deliveries.collect::<Vec<_>>(), now).await?;
    let _: Closing<'_> = stop_lock::suppress_pending(tx.into(), &people.suppressed, now).await?;
    Ok(Ingested { outcomes, enrolled, jobs })
}

/// Whether another transaction reported the same events or created the same people meanwhile. The
/// caller starts over, and then finds them.
#[must_use]
pub fn is_ingest_conflict(error: &Error) -> bool {
    events::is_client_id_conflict(error) || people::is_conflict(error)
}

/// What is to be done with an item.
enum Plan {
    /// It is new.
    Fresh,
    /// Its event was reported before.
    Repeated(EventId),
    /// Its event is that of an earlier item of the batch.
    SameAs(usize),
    /// It names no person.
    Refused(FieldErrors),
}

impl Plan {
    const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh)
    }
}

fn plan(items: &[&Item], known: &HashMap<String, EventId>) -> Vec<Plan> {
    let mut firsts: HashMap<&str, usize> = HashMap::new();
    let mut plans = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let client_id = item.event.as_ref().and_then(|event| event.client_id.as_ref());
        let client_id = client_id.map(ClientId::as_str);
        let first = client_id.map_or(index, |id| *firsts.entry(id).or_insert(index));
        plans.push(match client_id.and_then(|id| known.get(id)) {
            Some(id) => Plan::Repeated(*id),
            None if first != index => Plan::SameAs(first),
            None => check_keys(item).map_or_else(Plan::Refused, |()| Plan::Fresh),
        });
    }
    plans
}

/// Refuses an item without a key, or with one that cannot be stored.
fn check_keys(item: &Item) -> std::result::Result<(), FieldErrors> {
    let keys = &item.person;
    let mut errors = FieldErrors::default();
    let ids = [("anonymous_id", &keys.anonymous_id), ("previous_id", &item.previous_id)];
    for (field, id) in ids {
        if let Some(id) = id {
            errors.check(field, ExternalId::parse(id));
        }
    }
    if *keys == PersonKeys::default() && item.previous_id.is_none() {
        errors
            .add("user_id", "Send a user id, an anonymous id, a phone number or an email address.");
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The reports of the events of people who have a number.
fn reports(
    items: &[&Item],
    source_ids: impl Iterator<Item = SourceId>,
    contacts: &[Option<ContactId>],
) -> Vec<(ContactId, NewEvent)> {
    let people = items.iter().zip(source_ids).zip(contacts);
    people
        .filter_map(|((item, source_id), contact_id)| {
            let (contact_id, event) = ((*contact_id)?, item.event.as_ref()?);
            let report = NewEvent {
                client_id: event.client_id.clone(),
                name: event.name.clone(),
                contact: ContactRef::Id(contact_id),
                properties: event.properties.clone(),
                occurred_at: item.at,
                source_id: Some(source_id),
            };
            Some((contact_id, report))
        })
        .collect()
}

/// The outcomes of new items; `events` has the id of each stored event, and how many automations
/// it started.
fn fresh_outcomes(
    items: &[&Item],
    contacts: &[Option<ContactId>],
    mut events: impl Iterator<Item = (EventId, usize)>,
) -> Vec<ItemOutcome> {
    let mut outcome = |(item, contact): (&&Item, &Option<ContactId>)| {
        if contact.is_none() {
            return ItemOutcome::Unreachable;
        }
        let event = item.event.as_ref().and_then(|_| events.next());
        let (event_id, started) = event.map_or((None, 0), |(id, started)| (Some(id), started));
        ItemOutcome::Accepted { event_id, started }
    };
    items.iter().zip(contacts).map(&mut outcome).collect()
}

/// The outcomes of all items, in order.
fn all_outcomes(plans: Vec<Plan>, fresh: Vec<ItemOutcome>) -> Vec<ItemOutcome> {
    let mut fresh = fresh.into_iter();
    let mut outcomes: Vec<ItemOutcome> = Vec::with_capacity(plans.len());
    for plan in plans {
        let outcome = match plan {
            Plan::Fresh => fresh.next().unwrap_or(ItemOutcome::Unreachable),
            Plan::Repeated(id) => ItemOutcome::Repeated(id),
            Plan::SameAs(first) => match &outcomes[first] {
                ItemOutcome::Accepted { event_id: Some(id), .. } => ItemOutcome::Repeated(*id),
                other => other.clone(),
            },
            Plan::Refused(errors) => ItemOutcome::Rejected(errors),
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// The counts of each request.
fn count(requests: &[IngestRequest], outcomes: &[Vec<ItemOutcome>]) -> Vec<(SourceId, ItemCounts)> {
    let of_request = |(request, outcomes): (&IngestRequest, &Vec<ItemOutcome>)| {
        let mut counts = ItemCounts::of(outcomes);
        counts.rejected += i64::from(request.rejected);
        (request.source_id, counts)
    };
    requests.iter().zip(outcomes).map(of_request).collect()
}
