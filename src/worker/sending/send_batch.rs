//! Sending a batch: claims what the concurrency limits allow, starts the calls to Twilio, and waits
//! for capacity and for responses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;

use super::claiming::KeysByConnection;
use super::in_flight::InFlightGuard;
use crate::messages::claim::ClaimedMessage;
use crate::queue::Job;
use crate::queue::lease::{self, Finish, Leased};
use crate::types::id::{ConnectionId, MessageId};
use crate::worker::Worker;
use crate::worker::concurrency_limits::{RequestOutcome, Reservation};
use crate::worker::error::{PerformError, is_database_down};
use crate::worker::until_written::until_written;

/// How long messages wait in this process for capacity of their connection, before other workers
/// may have them.
const CAPACITY_TIMEOUT: Duration = Duration::from_secs(1);

/// The calls to Twilio in flight with their jobs, and the permits of messages that are still to be
/// claimed.
pub(in crate::worker) struct SendingBatch {
    job_permits: Option<OwnedSemaphorePermit>,
    calls: JoinSet<()>,
    jobs: HashMap<task::Id, Leased>,
}

impl SendingBatch {
    /// Creates a batch without calls in flight.
    pub(in crate::worker) fn new(job_permits: Option<OwnedSemaphorePermit>) -> Self {
        Self { job_permits, calls: JoinSet::new(), jobs: HashMap::new() }
    }
}

impl Worker {
    /// Sends messages, and returns when the last response is recorded. Each message releases its
    /// permit as it ends.
    pub(in crate::worker) async fn send(
        &self,
        jobs: Vec<Leased>,
        permits: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PerformError> {
        self.send_on(jobs, SendingBatch::new(permits)).await
    }

    /// Sends messages in addition to calls that are in flight already.
    ///
    /// Messages of a connection at capacity are claimed as soon as it has free permits, or return
    /// to the queue.
    pub(in crate::worker) async fn send_on(
        &self,
        jobs: Vec<Leased>,
        mut sending: SendingBatch,
    ) -> Result<(), PerformError> {
        let mut waiting = self.track(jobs).await;
        let until = Instant::now() + CAPACITY_TIMEOUT;
        while !waiting.is_empty() {
            let at_capacity = match self.send_what_fits(&mut waiting, &mut sending).await {
                Ok(at_capacity) => at_capacity,
                // One of them cannot be claimed: it returns to the queue with its error, and the
                // others continue.
                Err(error) if !is_database_down(&error) && waiting.len() > 1 => {
                    self.send_one_by_one(&mut waiting, &mut sending).await
                }
                Err(error) if sending.jobs.is_empty() => return Err(error),
                // Calls are in flight: only the messages that wait return to the queue.
                Err(error) => {
                    for guard in waiting.into_values() {
                        self.requeue(&guard.job, &error).await;
                    }
                    break;
                }
            };
            if !waiting.is_empty()
                && !self.concurrency_limits.wait_for_capacity(&at_capacity, until).await
            {
                self.requeue_all(&waiting).await;
                break;
            }
        }
        drop(sending.job_permits.take());
        while let Some(ended) = sending.calls.join_next_with_id().await {
            if let Err(error) = ended
                && let Some(job) = sending.jobs.get(&error.id())
            {
                tracing::error!(%error, "a call to Twilio ended without an answer");
                self.requeue(job, &PerformError::Panicked).await;
            }
        }
        Ok(())
    }

    /// Claims message by message, and requeues those that cannot be claimed.
    async fn send_one_by_one(
        &self,
        waiting: &mut HashMap<MessageId, InFlightGuard>,
        sending: &mut SendingBatch,
    ) -> HashMap<ConnectionId, usize> {
        let mut at_capacity: HashMap<ConnectionId, usize> = HashMap::new();
        for (id, guard) in std::mem::take(waiting) {
            let job = guard.job;
            let mut one = HashMap::from([(id, guard)]);
            match self.send_what_fits(&mut one, sending).await {
                Ok(left) => left.into_iter().for_each(|(connection, count)| {
                    *at_capacity.entry(connection).or_default() += count;
                }),
                Err(error) => {
                    one.clear();
                    self.requeue(&job, &error).await;
                }
            }
            waiting.extend(one);
        }
        at_capacity
    }

    /// Claims messages within the capacity and starts to send them; leaves the others in `waiting`,
    /// and returns how many there are for each connection.
    async fn send_what_fits(
        &self,
        waiting: &mut HashMap<MessageId, InFlightGuard>,
        sending: &mut SendingBatch,
    ) -> Result<HashMap<ConnectionId, usize>, PerformError> {
        let mut reserved = self.concurrency_limits.reserve(waiting.len());
        let claims = self.claim(waiting, &reserved.capacity()).await?;
        let claimed: Vec<(InFlightGuard, ClaimedMessage)> = claims
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
        sending.job_permits =
            sending.job_permits.as_mut().and_then(|permits| permits.split(left.len()));
        *waiting = left;
        Ok(at_capacity)
    }

    /// Starts the calls to Twilio for claimed messages, each in a separate task.
    pub(in crate::worker) fn call_twilio(
        &self,
        claimed: impl IntoIterator<Item = (InFlightGuard, ClaimedMessage)>,
        keys: &KeysByConnection,
        reserved: &mut Reservation,
        sending: &mut SendingBatch,
    ) {
        let worker = Arc::new(self.clone());
        for (guard, claimed) in claimed {
            let job_permit = sending.job_permits.as_mut().and_then(|permits| permits.split(1));
            let keys = Arc::clone(&keys[&claimed.connection_id]);
            let permit = reserved.permit(claimed.connection_id);
            let worker = Arc::clone(&worker);
            let job = guard.job;
            let call = sending.calls.spawn(async move {
                let outcome = worker.post(claimed, &keys).await;
                permit.end(RequestOutcome::of_post(&outcome.answer));
                worker.recorder.record(job.id, outcome).await;
                drop((guard, job_permit));
            });
            sending.jobs.insert(call.id(), job);
        }
    }

    /// Marks a message as in flight that was claimed as it was composed: no other worker knows it
    /// yet.
    pub(in crate::worker) fn track_claimed(&self, job: Leased) -> InFlightGuard {
        let message = MessageId(job.job.subject());
        self.in_flight.lock().insert(message);
        InFlightGuard { job, message, in_flight: Arc::clone(&self.in_flight) }
    }

    /// Marks the messages as in flight; a second job for a message in flight waits.
    async fn track(&self, jobs: Vec<Leased>) -> HashMap<MessageId, InFlightGuard> {
        let mut tracked = HashMap::with_capacity(jobs.len());
        let mut duplicates = Vec::new();
        {
            let mut in_flight = self.in_flight.lock();
            for job in jobs {
                let Job::Send(message) = job.job else { continue };
                if in_flight.insert(message) {
                    tracked.insert(
                        message,
                        InFlightGuard { job, message, in_flight: Arc::clone(&self.in_flight) },
                    );
                } else {
                    duplicates
                        .push((job.id, Finish::Again(self.clock.now() + lease::backoff(1), None)));
                }
            }
        }
        if !duplicates.is_empty() {
            let now = self.clock.now();
            until_written(|| async {
                Ok(lease::finish(&mut *self.db.get().await?, self.id, &duplicates, now).await?)
            })
            .await;
        }
        tracked
    }
}
