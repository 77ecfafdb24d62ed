//! Records events reported from outside and enrolls contacts into the automations that they start,
//! in one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::enroll::{self, Enrolled};
use crate::contacts::ContactChange;
use crate::contacts::deletion::{self, ContactsHeld};
use crate::db::Begun;
use crate::error::Result;
use crate::events::{self, NewEvent, RecordOutcome, RecordedEvent};
use crate::queue::lease::Leased;
use crate::queue::{self, Receiver};
use crate::types::id::EventId;

/// Results for a batch of reports.
#[derive(Debug)]
pub struct ReportedEvents {
    /// One result per report, in the same order.
    pub recorded: Vec<RecordOutcome>,
    /// The contacts that the reports enrolled.
    pub enrolled: Vec<Enrolled>,
    /// The jobs leased to the receiver, effective when the transaction commits.
    pub jobs: Vec<Leased>,
}

impl ReportedEvents {
    /// Number of automations started, per event that started any.
    #[must_use]
    pub fn started(&self) -> HashMap<EventId, usize> {
        started_by_event(&self.enrolled)
    }
}

/// Number of automations started, per event that started any.
#[must_use]
pub fn started_by_event(enrolled: &[Enrolled]) -> HashMap<EventId, usize> {
    enrolled.iter().filter_map(|enrolled| enrolled.event_id).fold(
        HashMap::new(),
        |mut started, event| {
            *started.entry(event).or_default() += 1;
            started
        },
    )
}

/// Records reports (see [`events::record`]) and enrolls their contacts.
///
/// On a [client id conflict](events::is_client_id_conflict), the caller starts over.
///
/// A contact created for a number first starts the automations for new contacts, then those of its
/// event. The first steps go to `receiver`.
pub async fn report_events(
    tx: Begun<'_>,
    reports: &[NewEvent],
    receiver: Receiver,
    now: DateTime<Utc>,
) -> Result<ReportedEvents> {
    let mut tx = deletion::hold_off_with_generic_plans(tx).await?;
    let outcome = events::record(&mut tx, reports, now).await?;
    let (enrolled, jobs) =
        start_automations(&mut tx, &outcome.changes, &outcome.new, receiver, now).await?;
    Ok(ReportedEvents { recorded: outcome.recorded, enrolled, jobs })
}

/// Enrolls the contacts that were created or tagged, then those of new events, in the transaction
/// that stored both; the first steps go to `receiver`. Returns the enrollments, and the jobs that
/// are leased to the receiver.
pub async fn start_automations(
    tx: &mut ContactsHeld<'_>,
    changes: &[ContactChange],
    new: &[RecordedEvent<'_>],
    receiver: Receiver,
    now: DateTime<Utc>,
) -> Result<(Vec<Enrolled>, Vec<Leased>)> {
    let mut entered = enroll::on_changes(tx, now, changes).await?;
    let by_events = enroll::on_events(tx, now, new).await?;
    entered.enrolled.extend(by_events.enrolled);
    entered.jobs.extend(by_events.jobs);
    let jobs = queue::enqueue_for(tx, receiver, &entered.jobs, now).await?;
    Ok((entered.enrolled, jobs))
}
