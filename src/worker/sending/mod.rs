//! Sending: claim a batch, call Twilio for each message with many calls in flight, record the
//! answers as they come.
//!
//! A batch is claimed in one transaction ([`claiming`]). Each call is a task of its own
//! ([`posting`]), and all answers of the process that have come in meanwhile are recorded together
//! ([`recording`]), whichever batch they belong to.

mod claiming;
mod in_flight;
mod posting;
pub(super) mod recording;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;

use super::Worker;
use super::concurrency_limit::{RequestOutcome, Reservation};
use super::error::{PerformError, is_away};
use super::until_written::until_written;
use crate::messages::claim::Claimed;
use crate::queue::Job;
use crate::queue::lease::{self, Finish, Leased};
use crate::types::id::{ConnectionId, MessageId};

pub(super) use claiming::KeysByConnection;
pub(super) use in_flight::{InFlight, InFlightGuard};

/// How long messages wait in this process for a place at their connection before others may have
/// them.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Calls to Twilio under way, with the jobs that they do, and the places of what is still to be
/// claimed.
pub(super) struct Sending {
    places: Option<OwnedSemaphorePermit>,
    calls: JoinSet<()>,
    jobs: HashMap<task::Id, Leased>,
}

impl Sending {
    /// Nothing is under way yet.
    pub(super) fn new(places: Option<OwnedSemaphorePermit>) -> Self {
        Self { places, calls: JoinSet::new(), jobs: HashMap::new() }
    }
}

impl Worker {
    /// Sends messages; returns when the last answer is recorded. Each gives its place back as it
    /// ends.
    pub(super) async fn send(
        &self,
        jobs: Vec<Leased>,
        places: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PerformError> {
        self.send_on(jobs, Sending::new(places)).await
    }

    /// The same beside calls that are under way already.
    ///
    /// What finds no room at its connection is claimed as soon as there is some, or goes back to
    /// the queue.
    pub(super) async fn send_on(
        &self,
        jobs: Vec<Leased>,
        mut sending: Sending,
    ) -> Result<(), PerformError> {
        let mut waiting = self.enter(jobs).await;
        let until = Instant::now() + TIMEOUT;
        while !waiting.is_empty() {
            let at_capacity = match self.send_what_fits(&mut waiting, &mut sending).await {
                Ok(at_capacity) => at_capacity,
                // One of them cannot be claimed: it goes back with its error, and the others go on.
                Err(error) if !is_away(&error) && waiting.len() > 1 => {
                    self.send_one_by_one(&mut waiting, &mut sending).await
                }
                Err(error) if sending.jobs.is_empty() => return Err(error),
                // The others are with Twilio: only these go back.
                Err(error) => {
                    for entered in waiting.into_values() {
                        self.put_back(&entered.job, &error).await;
                    }
                    break;
                }
            };
            if !waiting.is_empty() && !self.windows.wait_for_room(&at_capacity, until).await {
                self.give_back(&waiting).await;
                break;
            }
        }
        drop(sending.places.take());
        while let Some(ended) = sending.calls.join_next_with_id().await {
            if let Err(error) = ended
                && let Some(job) = sending.jobs.get(&error.id())
            {
                tracing::error!(%error, "a call to Twilio ended without an answer");
                self.put_back(job, &PerformError::Panicked).await;
            }
        }
        Ok(())
    }

    /// Claims message by message; puts back those that cannot be claimed.
    async fn send_one_by_one(
        &self,
        waiting: &mut HashMap<MessageId, InFlightGuard>,
        sending: &mut Sending,
    ) -> HashMap<ConnectionId, usize> {
        let mut at_capacity: HashMap<ConnectionId, usize> = HashMap::new();
        for (id, entered) in std::mem::take(waiting) {
            let job = entered.job;
            let mut one = HashMap::from([(id, entered)]);
            match self.send_what_fits(&mut one, sending).await {
                Ok(left) => left.into_iter().for_each(|(connection, count)| {
                    *at_capacity.entry(connection).or_default() += count;
                }),
                Err(error) => {
                    one.clear();
                    self.put_back(&job, &error).await;
                }
            }
            waiting.extend(one);
        }
        at_capacity
    }

    /// Claims what there is room for and begins to send it; leaves what there is no room for, and
    /// says how many for which connection.
    async fn send_what_fits(
        &self,
        waiting: &mut HashMap<MessageId, InFlightGuard>,
        sending: &mut Sending,
    ) -> Result<HashMap<ConnectionId, usize>, PerformError> {
        let mut reserved = self.windows.reserve(waiting.len());
        let claims = self.claim(waiting, &reserved.room()).await?;
        let claimed: Vec<(InFlightGuard, Claimed)> = claims
            .claimed
            .into_iter()
            .filter_map(|claimed| Some((waiting.remove(&claimed.message_id)?, claimed)))
            .collect();
        self.call_twilio(claimed, &claims.keys, &mut reserved, sending);
        let mut at_capacity: HashMap<ConnectionId, usize> = HashMap::new();
        let left: HashMap<MessageId, InFlightGuard> =
            claims.at_capacity.iter().filter_map(|(id, _)| waiting.remove_entry(id)).collect();
        for (_, connection) in claims.at_capacity {
            *at_capacity.entry(connection).or_default() += 1;
        }
        sending.places = sending.places.as_mut().and_then(|places| places.split(left.len()));
        *waiting = left;
        Ok(at_capacity)
    }

    /// Begins to call Twilio for messages that are claimed, each in a task of its own.
    pub(super) fn call_twilio(
        &self,
        claimed: impl IntoIterator<Item = (InFlightGuard, Claimed)>,
        keys: &KeysByConnection,
        reserved: &mut Reservation,
        sending: &mut Sending,
    ) {
        let worker = Arc::new(self.clone());
        for (entered, claimed) in claimed {
            let place = sending.places.as_mut().and_then(|places| places.split(1));
            let keys = Arc::clone(&keys[&claimed.connection_id]);
            let window = reserved.place(claimed.connection_id);
            let worker = Arc::clone(&worker);
            let job = entered.job;
            let call = sending.calls.spawn(async move {
                let outcome = worker.post(claimed, &keys).await;
                window.end(RequestOutcome::of_post(&outcome.answer));
                worker.recorder.record(job.id, outcome).await;
                drop((entered, place));
            });
            sending.jobs.insert(call.id(), job);
        }
    }

    /// Notes a message as in flight that was claimed as it was composed: nobody else knows it yet.
    pub(super) fn enter_claimed(&self, job: Leased) -> InFlightGuard {
        let message = MessageId(job.job.subject());
        self.in_flight.lock().insert(message);
        InFlightGuard { job, message, in_flight: Arc::clone(&self.in_flight) }
    }

    /// Notes the messages as in flight; a job for one that is in flight already waits.
    async fn enter(&self, jobs: Vec<Leased>) -> HashMap<MessageId, InFlightGuard> {
        let mut entered = HashMap::with_capacity(jobs.len());
        let mut doubled = Vec::new();
        {
            let mut in_flight = self.in_flight.lock();
            for job in jobs {
                let Job::Send(message) = job.job else { continue };
                if in_flight.insert(message) {
                    entered.insert(
                        message,
                        InFlightGuard { job, message, in_flight: Arc::clone(&self.in_flight) },
                    );
                } else {
                    doubled
                        .push((job.id, Finish::Again(self.clock.now() + lease::backoff(1), None)));
                }
            }
        }
        if !doubled.is_empty() {
            let now = self.clock.now();
            until_written(|| async {
                Ok(lease::finish(&mut *self.db.get().await?, self.id, &doubled, now).await?)
            })
            .await;
        }
        entered
    }
}
