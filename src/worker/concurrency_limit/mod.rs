//! How many requests a worker has in flight at Twilio, per connection: as many as go well, fewer
//! when Twilio says that it is too many.
//!
//! Twilio limits the requests of an account that run at the same time, and publishes no number. So
//! each worker keeps a window for each connection, as TCP does: a 429 halves it, a window full of
//! answers widens it by one, up to the worker's share of the connection's own bound. A place is
//! taken before a message is claimed, and before anything is read from Twilio.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::messages::claim::Capacity;
use crate::twilio::{CreatedMessage, SendError, TwilioError};
use crate::types::id::ConnectionId;

/// The bound of a connection that the last heartbeat has not seen yet.
const UNKNOWN_BOUND: usize = 250;

/// So many free places are worth a claim of their own; fewer wait for more, unless there will never
/// be as many.
const WORTH_A_CLAIM: usize = 64;

/// What others are estimated to use is kept in eighths, and each answer counts one eighth.
const SMOOTHING: usize = 8;

/// The windows of a worker's connections; cheap to clone.
#[derive(Clone, Default)]
pub(in crate::worker) struct ConcurrencyLimits {
    shared: Arc<Mutex<Shared>>,
    freed: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    /// How many workers share the bounds.
    workers: usize,
    bounds: HashMap<ConnectionId, usize>,
    windows: HashMap<ConnectionId, ConcurrencyLimit>,
}

/// What is known of one connection. A flight is what is on its way between two halvings: only the
/// first 429 of a flight halves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ConcurrencyLimit {
    limit: usize,
    in_flight: usize,
    answered: usize,
    flight: u64,
    /// Requests of other programs that use the account, in eighths.
    others: usize,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::worker) enum RequestOutcome {
    /// Twilio processed it, and said how many requests of the account it counted.
    Answered(Option<u32>),
    /// Twilio answered 429.
    TooMany,
    /// Nothing is known: no answer, or the request was never made.
    Unknown,
}

impl RequestOutcome {
    /// How a call ended that sends a message.
    pub(in crate::worker) fn of_post(answer: &Result<CreatedMessage, SendError>) -> Self {
        match answer {
            Ok(created) => Self::Answered(created.exchange.concurrent_requests),
            Err(SendError::Busy { .. }) => Self::TooMany,
            Err(error) if error.http_status().is_some() => {
                Self::Answered(error.exchange().concurrent_requests)
            }
            Err(_) => Self::Unknown,
        }
    }

    /// How a call ended that reads from Twilio.
    fn of_get<T>(answer: &Result<T, TwilioError>) -> Self {
        match answer {
            Ok(_) => Self::Answered(None),
            Err(TwilioError::Busy { .. }) => Self::TooMany,
            Err(_) => Self::Unknown,
        }
    }
}

/// Places that are kept for messages about to be claimed; those that are not used are given back
/// with it.
pub(in crate::worker) struct Reservation {
    windows: ConcurrencyLimits,
    places: HashMap<ConnectionId, usize>,
    otherwise: usize,
}

/// One request in flight.
pub(in crate::worker) struct Permit {
    windows: ConcurrencyLimits,
    connection: ConnectionId,
    flight: u64,
    /// How many were in flight when it began, itself included.
    in_flight_at_start: usize,
    ending: RequestOutcome,
}

impl ConcurrencyLimits {
    /// Takes over what the database says: how many workers there are, and each connection's bound.
    pub(in crate::worker) fn learn(&self, workers: usize, bounds: HashMap<ConnectionId, usize>) {
        let mut shared = self.shared.lock();
        shared.windows.retain(|id, window| bounds.contains_key(id) || window.in_flight > 0);
        for (id, bound) in &bounds {
            let before = shared.bounds.get(id).copied().unwrap_or(UNKNOWN_BOUND);
            if let Some(window) = shared.windows.get_mut(id).filter(|window| window.limit >= before)
            {
                // As wide as it might be until now: Twilio has never said that it is too much.
                window.limit = *bound;
            }
        }
        shared.workers = workers;
        shared.bounds = bounds;
        drop(shared);
        self.freed.notify_waiters();
    }

    /// Keeps places for up to `most` messages of each connection, before it is known whose they
    /// are.
    pub(in crate::worker) fn reserve(&self, most: usize) -> Reservation {
        let mut shared = self.shared.lock();
        let otherwise = most.min(shared.share(UNKNOWN_BOUND, 0));
        let known: Vec<ConnectionId> = shared.bounds.keys().copied().collect();
        let places = known.into_iter().map(|id| (id, shared.take(id, most).0)).collect();
        drop(shared);
        Reservation { windows: self.clone(), places, otherwise }
    }

    /// Makes a request that reads from Twilio, once there is a place for it.
    pub(in crate::worker) async fn read<T>(
        &self,
        connection: ConnectionId,
        request: impl Future<Output = Result<T, TwilioError>>,
    ) -> Result<T, TwilioError> {
        let place = self.enter(connection).await;
        let answer = request.await;
        place.end(RequestOutcome::of_get(&answer));
        answer
    }

    async fn enter(&self, connection: ConnectionId) -> Permit {
        loop {
            let freed = self.freed.notified();
            let taken = self.shared.lock().take(connection, 1);
            if let (1, flight, in_flight_at_start) = taken {
                return Permit {
                    windows: self.clone(),
                    connection,
                    flight,
                    in_flight_at_start,
                    ending: RequestOutcome::Unknown,
                };
            }
            freed.await;
        }
    }

    /// Waits until one of these connections has a place for each of so many messages, or for many;
    /// false when that takes too long.
    pub(in crate::worker) async fn wait_for_room(
        &self,
        wanted: &HashMap<ConnectionId, usize>,
        until: Instant,
    ) -> bool {
        loop {
            let freed = self.freed.notified();
            let has_room = {
                let mut shared = self.shared.lock();
                wanted.iter().any(|(id, wanted)| {
                    let (free, whole) = shared.free(*id);
                    free > 0 && free >= (*wanted).min(whole / 4).min(WORTH_A_CLAIM)
                })
            };
            if has_room {
                return true;
            }
            if timeout_at(until, freed).await.is_err() {
                return false;
            }
        }
    }

    fn give_back(&self, connection: ConnectionId, places: usize) {
        if places > 0 {
            self.shared.lock().window(connection).in_flight -= places;
            self.freed.notify_waiters();
        }
    }
}

impl Shared {
    /// Takes up to `most` places; also says which flight they belong to, and how many are in flight
    /// now.
    fn take(&mut self, connection: ConnectionId, most: usize) -> (usize, u64, usize) {
        let (free, _) = self.free(connection);
        let taken = most.min(free);
        let window = self.window(connection);
        window.in_flight += taken;
        (taken, window.flight, window.in_flight)
    }

    /// How many places of a connection are free, and how many there are.
    fn free(&mut self, connection: ConnectionId) -> (usize, usize) {
        let bound = self.bounds.get(&connection).copied().unwrap_or(UNKNOWN_BOUND);
        let others = self.windows.get(&connection).map_or(0, |window| window.others / SMOOTHING);
        let share = self.share(bound, others);
        let window = self.window(connection);
        let whole = window.limit.min(share);
        (whole.saturating_sub(window.in_flight), whole)
    }

    /// This worker's part of a bound, less what others use of the account; but never less than a
    /// quarter, nor than one.
    fn share(&self, bound: usize, others: usize) -> usize {
        (bound.saturating_sub(others).max(bound / 4) / self.workers.max(1)).max(1)
    }

    fn window(&mut self, connection: ConnectionId) -> &mut ConcurrencyLimit {
        let bound = self.bounds.get(&connection).copied().unwrap_or(UNKNOWN_BOUND);
        self.windows.entry(connection).or_insert_with(|| ConcurrencyLimit::new(bound))
    }
}

impl ConcurrencyLimit {
    /// Begins as wide as it may ever be: a 429 costs nothing but a little time.
    const fn new(bound: usize) -> Self {
        Self { limit: bound, in_flight: 0, answered: 0, flight: 0, others: 0 }
    }

    /// Learns from a request that began in this flight, among so many.
    fn learn(
        &mut self,
        ending: RequestOutcome,
        flight: u64,
        in_flight_at_start: usize,
        workers: usize,
        bound: usize,
    ) {
        match ending {
            RequestOutcome::TooMany if flight == self.flight => {
                self.limit = (self.limit.min(in_flight_at_start.max(self.in_flight)) / 2).max(1);
                self.flight += 1;
                self.answered = 0;
            }
            RequestOutcome::Answered(counted) => {
                let ours = in_flight_at_start.max(self.in_flight) * workers.max(1);
                let counted = counted.and_then(|counted| usize::try_from(counted).ok());
                let others = counted.map_or(0, |counted| counted.saturating_sub(ours));
                self.others = self.others - self.others.div_ceil(SMOOTHING) + others;
                if flight == self.flight {
                    self.answered += 1;
                }
                if self.answered >= self.limit {
                    self.answered = 0;
                    self.limit += 1;
                }
            }
            RequestOutcome::TooMany | RequestOutcome::Unknown => {}
        }
        self.limit = self.limit.min(bound.max(1));
    }
}

impl Reservation {
    /// How many messages may be claimed.
    pub(in crate::worker) fn room(&self) -> Capacity {
        Capacity::new(self.places.clone(), self.otherwise)
    }

    /// A place for a message that was claimed.
    pub(in crate::worker) fn place(&mut self, connection: ConnectionId) -> Permit {
        let mut shared = self.windows.shared.lock();
        let window = shared.window(connection);
        match self.places.get_mut(&connection) {
            Some(left) if *left > 0 => *left -= 1,
            // A connection that was not known when the places were taken.
            _ => window.in_flight += 1,
        }
        let (flight, in_flight_at_start) = (window.flight, window.in_flight);
        drop(shared);
        Permit {
            windows: self.windows.clone(),
            connection,
            flight,
            in_flight_at_start,
            ending: RequestOutcome::Unknown,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for (connection, places) in self.places.drain() {
            self.windows.give_back(connection, places);
        }
    }
}

impl Permit {
    /// Says how the request ended; the place is free from then on.
    pub(in crate::worker) fn end(mut self, ending: RequestOutcome) {
        self.ending = ending;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut shared = self.windows.shared.lock();
        let (workers, bound) =
            (shared.workers, shared.bounds.get(&self.connection).copied().unwrap_or(UNKNOWN_BOUND));
        let window = shared.window(self.connection);
        window.learn(self.ending, self.flight, self.in_flight_at_start, workers, bound);
        window.in_flight -= 1;
        drop(shared);
        self.windows.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
