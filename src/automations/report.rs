//! Reports of events from outside: recorded, and answered by the automations that they start, in
//! one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::{TryFutureExt, try_join};

use super::enroll::{self, Enrolled};
use crate::contacts::deletion;
use crate::db::{Conn, generic_plans};
use crate::error::Result;
use crate::events::{self, NewEvent, RecordOutcome};
use crate::queue::lease::Leased;
use crate::queue::{self, Receiver};
use crate::types::id::EventId;

/// What became of a batch of reports.
#[derive(Debug)]
pub struct Reported {
    /// One answer per report, in their order.
    pub recorded: Vec<RecordOutcome>,
    /// The contacts that entered automations because of them.
    pub enrolled: Vec<Enrolled>,
    /// The jobs that went to the receiver: it has them once the transaction commits.
    pub jobs: Vec<Leased>,
}

impl Reported {
    /// How many automations each event started that started any.
    #[must_use]
    pub fn started(&self) -> HashMap<EventId, usize> {
        self.enrolled.iter().filter_map(|enrolled| enrolled.event_id).fold(
            HashMap::new(),
            |mut started, event| {
                *started.entry(event).or_default() += 1;
                started
            },
        )
    }
}

/// Records reports (see [`events::record`]) and lets their contacts into automations; the first
/// thing in a transaction.
///
/// Where it fails because another transaction [was quicker](events::was_quicker), it is to be begun
/// anew.
///
/// A number that becomes a contact starts the automations for new contacts, too, before those of
/// its event. The first steps go to `receiver`.
pub async fn report(
    conn: &mut Conn,
    reports: &[NewEvent],
    receiver: Receiver,
    now: DateTime<Utc>,
) -> Result<Reported> {
    try_join!(generic_plans::force(conn).err_into(), deletion::hold_off(conn))?;
    let outcome = events::record(conn, reports, now).await?;
    let mut entered = enroll::on_changes(conn, now, &outcome.changes).await?;
    let by_events = enroll::on_events(conn, now, &outcome.new).await?;
    entered.enrolled.extend(by_events.enrolled);
    entered.jobs.extend(by_events.jobs);
    let jobs = queue::enqueue_for(conn, receiver, &entered.jobs, now).await?;
    Ok(Reported { recorded: outcome.recorded, enrolled: entered.enrolled, jobs })
}
