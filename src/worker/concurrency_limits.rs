//! Concurrency limits: how many requests a worker has in flight at Twilio, per connection.
//!
//! Twilio limits the concurrent requests of an account, and publishes no number. So each worker
//! adapts a limit for each connection by AIMD (additive increase, multiplicative decrease), as TCP
//! does: a 429 halves it, and as many responses as the limit raise it by one, up to the worker's
//! share of the connection's bound.
//!
//! [`ConcurrencyLimits`] is the entry point. A worker takes a [`Reservation`] before it claims
//! messages, and a [`Permit`] for each request, which reports its [`RequestOutcome`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::messages::claim::Capacity;
use crate::twilio::{CreatedMessage, SendError, TwilioError};
use crate::types::id::ConnectionId;

/// The bound of a connection that the last heartbeat did not know yet.
const DEFAULT_BOUND: usize = 250;

/// How many free permits resume a waiting claim; fewer are enough for few messages or a low limit.
const CLAIM_THRESHOLD: usize = 64;

/// The smoothing of the estimate of other programs' requests: it is stored in eighths, and each
/// answer counts one eighth.
const SMOOTHING: usize = 8;

/// The concurrency limits of a worker's connections; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct ConcurrencyLimits {
    shared: Arc<Mutex<Shared>>,
    freed: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    /// How many workers share the bounds.
    workers: usize,
    bounds: HashMap<ConnectionId, usize>,
    limits: HashMap<ConnectionId, ConcurrencyLimit>,
}

/// The concurrency limit of one connection. An epoch lasts from one halving to the next: only the
/// first 429 of an epoch halves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ConcurrencyLimit {
    max_in_flight: usize,
    in_flight: usize,
    answered: usize,
    epoch: u64,
    /// The requests of other programs that use the account, in eighths.
    others: usize,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    /// Twilio processed it, and reported how many concurrent requests of the account it counted.
    Answered(Option<u32>),
    /// Twilio answered 429.
    TooMany,
    /// There was no response, or no request.
    Unknown,
}

impl RequestOutcome {
    /// The outcome of a call that sends a message.
    pub(super) fn of_post(answer: &Result<CreatedMessage, SendError>) -> Self {
        match answer {
            Ok(created) => Self::Answered(created.exchange.concurrent_requests),
            Err(SendError::Busy { .. }) => Self::TooMany,
            Err(error) if error.http_status().is_some() => {
                Self::Answered(error.exchange().concurrent_requests)
            }
            Err(_) => Self::Unknown,
        }
    }

    /// The outcome of a call that reads from Twilio.
    fn of_get<T>(answer: &Result<T, TwilioError>) -> Self {
        match answer {
            Ok(_) => Self::Answered(None),
            Err(TwilioError::Busy { .. }) => Self::TooMany,
            Err(_) => Self::Unknown,
        }
    }
}

/// Permits that are reserved for messages about to be claimed; unused ones are released on drop.
pub(super) struct Reservation {
    limits: ConcurrencyLimits,
    permits: HashMap<ConnectionId, usize>,
    other: usize,
}

/// The permit for one request in flight.
pub(super) struct Permit {
    limits: ConcurrencyLimits,
    connection: ConnectionId,
    epoch: u64,
    /// How many requests were in flight when it began, itself included.
    in_flight_at_start: usize,
    outcome: RequestOutcome,
}

impl ConcurrencyLimits {
    /// Sets the number of workers and each connection's bound, as the database has them.
    pub(super) fn set_bounds(&self, workers: usize, bounds: HashMap<ConnectionId, usize>) {
        let mut shared = self.shared.lock();
        shared.limits.retain(|id, limit| bounds.contains_key(id) || limit.in_flight > 0);
        for (id, bound) in &bounds {
            let before = shared.bounds.get(id).copied().unwrap_or(DEFAULT_BOUND);
            if let Some(limit) =
                shared.limits.get_mut(id).filter(|limit| limit.max_in_flight >= before)
            {
                // The limit was at its bound: Twilio has never answered 429.
                limit.max_in_flight = *bound;
            }
        }
        shared.workers = workers;
        shared.bounds = bounds;
        drop(shared);
        self.freed.notify_waiters();
    }

    /// Reserves up to `max` permits of each connection, before it is known which connections the
    /// messages have.
    pub(super) fn reserve(&self, max: usize) -> Reservation {
        let mut shared = self.shared.lock();
        let other = max.min(shared.share(DEFAULT_BOUND, 0));
        let known: Vec<ConnectionId> = shared.bounds.keys().copied().collect();
        let permits = known.into_iter().map(|id| (id, shared.acquire(id, max).0)).collect();
        drop(shared);
        Reservation { limits: self.clone(), permits, other }
    }

    /// Runs a request that reads from Twilio, once a permit is free.
    pub(super) async fn read<T>(
        &self,
        connection: ConnectionId,
        request: impl Future<Output = Result<T, TwilioError>>,
    ) -> Result<T, TwilioError> {
        let permit = self.acquire(connection).await;
        let answer = request.await;
        permit.end(RequestOutcome::of_get(&answer));
        answer
    }

    async fn acquire(&self, connection: ConnectionId) -> Permit {
        loop {
            let freed = self.freed.notified();
            let taken = self.shared.lock().acquire(connection, 1);
            if let (1, epoch, in_flight_at_start) = taken {
                return Permit {
                    limits: self.clone(),
                    connection,
                    epoch,
                    in_flight_at_start,
                    outcome: RequestOutcome::Unknown,
                };
            }
            freed.await;
        }
    }

    /// Waits until one of these connections has enough free permits for a claim: one for each
    /// wanted message, or many. False when that takes too long.
    pub(super) async fn wait_for_capacity(
        &self,
        wanted: &HashMap<ConnectionId, usize>,
        until: Instant,
    ) -> bool {
        loop {
            let freed = self.freed.notified();
            let has_capacity = {
                let mut shared = self.shared.lock();
                wanted.iter().any(|(id, wanted)| {
                    let (free, total) = shared.free_permits(*id);
                    free > 0 && free >= (*wanted).min(total / 4).min(CLAIM_THRESHOLD)
                })
            };
            if has_capacity {
                return true;
            }
            if timeout_at(until, freed).await.is_err() {
                return false;
            }
        }
    }

    fn release(&self, connection: ConnectionId, permits: usize) {
        if permits > 0 {
            self.shared.lock().limit_of(connection).in_flight -= permits;
            self.freed.notify_waiters();
        }
    }
}

impl Shared {
    /// Takes up to `max` permits; returns how many, their epoch, and how many requests are in
    /// flight now.
    fn acquire(&mut self, connection: ConnectionId, max: usize) -> (usize, u64, usize) {
        let (free, _) = self.free_permits(connection);
        let taken = max.min(free);
        let limit = self.limit_of(connection);
        limit.in_flight += taken;
        (taken, limit.epoch, limit.in_flight)
    }

    /// How many permits of a connection are free, and how many there are in total.
    fn free_permits(&mut self, connection: ConnectionId) -> (usize, usize) {
        let bound = self.bounds.get(&connection).copied().unwrap_or(DEFAULT_BOUND);
        let others = self.limits.get(&connection).map_or(0, |limit| limit.others / SMOOTHING);
        let share = self.share(bound, others);
        let limit = self.limit_of(connection);
        let total = limit.max_in_flight.min(share);
        (total.saturating_sub(limit.in_flight), total)
    }

    /// This worker's share of a bound, less what other programs use of the account; at least the
    /// share of a quarter of the bound, and at least one.
    fn share(&self, bound: usize, others: usize) -> usize {
        (bound.saturating_sub(others).max(bound / 4) / self.workers.max(1)).max(1)
    }

    fn limit_of(&mut self, connection: ConnectionId) -> &mut ConcurrencyLimit {
        let bound = self.bounds.get(&connection).copied().unwrap_or(DEFAULT_BOUND);
        self.limits.entry(connection).or_insert_with(|| ConcurrencyLimit::new(bound))
    }
}

impl ConcurrencyLimit {
    /// Begins at the bound: a 429 costs only a little time.
    const fn new(bound: usize) -> Self {
        Self { max_in_flight: bound, in_flight: 0, answered: 0, epoch: 0, others: 0 }
    }

    /// Adapts the limit to the outcome of a request, by its epoch and by how many requests were in
    /// flight when it began.
    fn record(
        &mut self,
        outcome: RequestOutcome,
        epoch: u64,
        in_flight_at_start: usize,
        workers: usize,
        bound: usize,
    ) {
        match outcome {
            RequestOutcome::TooMany if epoch == self.epoch => {
                self.max_in_flight =
                    (self.max_in_flight.min(in_flight_at_start.max(self.in_flight)) / 2).max(1);
                self.epoch += 1;
                self.answered = 0;
            }
            RequestOutcome::Answered(counted) => {
                let ours = in_flight_at_start.max(self.in_flight) * workers.max(1);
                let counted = counted.and_then(|counted| usize::try_from(counted).ok());
                let others = counted.map_or(0, |counted| counted.saturating_sub(ours));
                self.others = self.others - self.others.div_ceil(SMOOTHING) + others;
                if epoch == self.epoch {
                    self.answered += 1;
                }
                if self.answered >= self.max_in_flight {
                    self.answered = 0;
                    self.max_in_flight += 1;
                }
            }
            RequestOutcome::TooMany | RequestOutcome::Unknown => {}
        }
        self.max_in_flight = self.max_in_flight.min(bound.max(1));
    }
}

impl Reservation {
    /// The capacity for a claim.
    pub(super) fn capacity(&self) -> Capacity {
        Capacity::new(self.permits.clone(), self.other)
    }

    /// A permit for a message that was claimed.
    pub(super) fn permit(&mut self, connection: ConnectionId) -> Permit {
        let mut shared = self.limits.shared.lock();
        let limit = shared.limit_of(connection);
        match self.permits.get_mut(&connection) {
            Some(left) if *left > 0 => *left -= 1,
            // The connection was unknown at the time of the reservation.
            _ => limit.in_flight += 1,
        }
        let (epoch, in_flight_at_start) = (limit.epoch, limit.in_flight);
        drop(shared);
        Permit {
            limits: self.limits.clone(),
            connection,
            epoch,
            in_flight_at_start,
            outcome: RequestOutcome::Unknown,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for (connection, permits) in self.permits.drain() {
            self.limits.release(connection, permits);
        }
    }
}

impl Permit {
    /// Reports the outcome of the request and releases the permit.
    pub(super) fn end(mut self, outcome: RequestOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut shared = self.limits.shared.lock();
        let (workers, bound) =
            (shared.workers, shared.bounds.get(&self.connection).copied().unwrap_or(DEFAULT_BOUND));
        let limit = shared.limit_of(self.connection);
        limit.record(self.outcome, self.epoch, self.in_flight_at_start, workers, bound);
        limit.in_flight -= 1;
        drop(shared);
        self.limits.freed.notify_waiters();
    }
}

#[cfg(test)]
#[path = "concurrency_limits_tests.rs"]
mod tests;
