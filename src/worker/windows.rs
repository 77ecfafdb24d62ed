//! How many requests a worker has in flight at Twilio, per connection: as many as go well, fewer when Twilio says that it is too many.
//!
//! Twilio limits the requests of an account that run at the same time, and publishes no number. So each worker keeps a window for
//! each connection, as TCP does: a 429 halves it, a window full of answers widens it by one, up to the worker's share of the
//! connection's own bound. A place is taken before a message is claimed, and before anything is read from Twilio.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    messages::claim::Room,
    twilio::{CreatedMessage, SendError, TwilioError},
    types::id::ConnectionId,
};

/// The bound of a connection that the last heartbeat has not seen yet.
const UNKNOWN_BOUND: usize = 250;

/// So many free places are worth a claim of their own; fewer wait for more, unless there will never be as many.
const WORTH_A_CLAIM: usize = 64;

/// What others are estimated to use is kept in eighths, and each answer counts one eighth.
const SMOOTHING: usize = 8;

/// The windows of a worker's connections; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Windows {
    shared: Arc<Mutex<Shared>>,
    freed: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    /// How many workers share the bounds.
    workers: usize,
    bounds: HashMap<ConnectionId, usize>,
    windows: HashMap<ConnectionId, Window>,
}

/// What is known of one connection. A flight is what is on its way between two halvings: only the first 429 of a flight halves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    limit: usize,
    in_flight: usize,
    answered: usize,
    flight: u64,
    /// Requests of other programs that use the account, in eighths.
    others: usize,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Twilio processed it, and said how many requests of the account it counted.
    Answered(Option<u32>),
    /// Twilio answered 429.
    TooMany,
    /// Nothing is known: no answer, or the request was never made.
    Unknown,
}

impl Ending {
    /// How a call ended that sends a message.
    pub(super) fn of_post(answer: &Result<CreatedMessage, SendError>) -> Self {
        match answer {
            Ok(created) => Self::Answered(created.exchange.concurrent_requests),
            Err(SendError::Busy { .. }) => Self::TooMany,
            Err(error) if error.http_status().is_some() => Self::Answered(error.exchange().concurrent_requests),
            Err(_) => Self::Unknown,
        }
    }

    /// How a call ended that reads from Twilio.
    pub(super) fn of_get<T>(answer: &Result<T, TwilioError>) -> Self {
        match answer {
            Ok(_) => Self::Answered(None),
            Err(TwilioError::Busy { .. }) => Self::TooMany,
            Err(_) => Self::Unknown,
        }
    }
}

/// Places that are kept for messages about to be claimed; those that are not used are given back with it.
pub(super) struct Reservation {
    windows: Windows,
    places: HashMap<ConnectionId, usize>,
    otherwise: usize,
}

/// One request in flight.
pub(super) struct Place {
    windows: Windows,
    connection: ConnectionId,
    flight: u64,
    /// How many were in flight when it began, itself included.
    among: usize,
    ending: Ending,
}

impl Windows {
    /// Takes over what the database says: how many workers there are, and each connection's bound.
    pub(super) fn learn(&self, workers: usize, bounds: HashMap<ConnectionId, usize>) {
        let mut shared = self.shared.lock();
        shared.windows.retain(|id, window| bounds.contains_key(id) || window.in_flight > 0);
        shared.workers = workers;
        shared.bounds = bounds;
        drop(shared);
        self.freed.notify_waiters();
    }

    /// Keeps places for up to `most` messages of each connection, before it is known whose they are.
    pub(super) fn reserve(&self, most: usize) -> Reservation {
        let mut shared = self.shared.lock();
        let otherwise = most.min(shared.share(UNKNOWN_BOUND, 0));
        let known: Vec<ConnectionId> = shared.bounds.keys().copied().collect();
        let places = known.into_iter().map(|id| (id, shared.take(id, most).0)).collect();
        drop(shared);
        Reservation { windows: self.clone(), places, otherwise }
    }

    /// Waits for a place for a request that reads from Twilio.
    pub(super) async fn enter(&self, connection: ConnectionId) -> Place {
        loop {
            let freed = self.freed.notified();
            let taken = self.shared.lock().take(connection, 1);
            if let (1, flight, among) = taken {
                return Place { windows: self.clone(), connection, flight, among, ending: Ending::Unknown };
            }
            freed.await;
        }
    }

    /// Waits until one of these connections has a place for each of so many messages, or for many; false when that takes too long.
    pub(super) async fn wait_for_room(&self, wanted: &HashMap<ConnectionId, usize>, until: Instant) -> bool {
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
    /// Takes up to `most` places; also says which flight they belong to, and how many are in flight now.
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

    /// This worker's part of a bound, less what others use of the account; but never less than a quarter, nor than one.
    fn share(&self, bound: usize, others: usize) -> usize {
        (bound.saturating_sub(others).max(bound / 4) / self.workers.max(1)).max(1)
    }

    fn window(&mut self, connection: ConnectionId) -> &mut Window {
        let bound = self.bounds.get(&connection).copied().unwrap_or(UNKNOWN_BOUND);
        self.windows.entry(connection).or_insert_with(|| Window::new(bound))
    }
}

impl Window {
    /// Begins as wide as it may ever be: a 429 costs nothing but a little time.
    const fn new(bound: usize) -> Self {
        Self { limit: bound, in_flight: 0, answered: 0, flight: 0, others: 0 }
    }

    /// Learns from a request that began in this flight, among so many.
    fn learn(&mut self, ending: Ending, flight: u64, among: usize, workers: usize, bound: usize) {
        match ending {
            Ending::TooMany if flight == self.flight => {
                self.limit = (self.limit.min(among.max(self.in_flight)) / 2).max(1);
                self.flight += 1;
                self.answered = 0;
            }
            Ending::Answered(counted) => {
                let ours = among.max(self.in_flight) * workers.max(1);
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
            Ending::TooMany | Ending::Unknown => {}
        }
        self.limit = self.limit.min(bound.max(1));
    }
}

impl Reservation {
    /// How many messages may be claimed.
    pub(super) fn room(&self) -> Room {
        Room::new(self.places.clone(), self.otherwise)
    }

    /// A place for a message that was claimed.
    pub(super) fn place(&mut self, connection: ConnectionId) -> Place {
        let mut shared = self.windows.shared.lock();
        let window = shared.window(connection);
        match self.places.get_mut(&connection) {
            Some(left) if *left > 0 => *left -= 1,
            // A connection that was not known when the places were taken.
            _ => window.in_flight += 1,
        }
        let (flight, among) = (window.flight, window.in_flight);
        drop(shared);
        Place { windows: self.windows.clone(), connection, flight, among, ending: Ending::Unknown }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for (connection, places) in self.places.drain() {
            self.windows.give_back(connection, places);
        }
    }
}

impl Place {
    /// Says how the request ended; the place is free from then on.
    pub(super) fn end(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shared = self.windows.shared.lock();
        let (workers, bound) = (shared.workers, shared.bounds.get(&self.connection).copied().unwrap_or(UNKNOWN_BOUND));
        let window = shared.window(self.connection);
        window.learn(self.ending, self.flight, self.among, workers, bound);
        window.in_flight -= 1;
        drop(shared);
        self.windows.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(workers: usize, bound: usize) -> (Windows, ConnectionId) {
        let (windows, id) = (Windows::default(), ConnectionId::new());
        windows.learn(workers, HashMap::from([(id, bound)]));
        (windows, id)
    }

    /// Takes as many places as there are.
    fn fill(windows: &Windows, id: ConnectionId) -> Vec<Place> {
        let mut reservation = windows.reserve(10_000);
        (0..reservation.places[&id]).map(|_| reservation.place(id)).collect()
    }

    fn end(places: Vec<Place>, ending: Ending) {
        for place in places {
            place.end(ending);
        }
    }

    const WELL: Ending = Ending::Answered(None);

    #[test]
    fn a_worker_has_its_share_of_the_bound_in_flight() {
        let (windows, id) = windows(3, 100);
        let places = fill(&windows, id);
        assert_eq!((places.len(), fill(&windows, id).len()), (33, 0));
        end(places, WELL);
        windows.learn(1, HashMap::from([(id, 100)]));
        assert_eq!(fill(&windows, id).len(), 100, "the others are gone");
        windows.learn(500, HashMap::from([(id, 100)]));
        assert_eq!(fill(&windows, id).len(), 1, "one at least");
    }

    #[test]
    fn a_flight_of_429s_halves_the_window_once() {
        let (windows, id) = windows(1, 100);
        let first = fill(&windows, id);
        end(first, Ending::TooMany);
        let second = fill(&windows, id);
        assert_eq!(second.len(), 50);
        end(second, Ending::TooMany);
        assert_eq!(fill(&windows, id).len(), 25);
        for _ in 0..10 {
            end(fill(&windows, id), Ending::TooMany);
        }
        assert_eq!(fill(&windows, id).len(), 1, "never none");
    }

    #[test]
    fn a_window_that_is_hardly_used_is_halved_from_what_was_in_flight() {
        let (windows, id) = windows(1, 1_000);
        let mut reservation = windows.reserve(40);
        let places: Vec<Place> = (0..40).map(|_| reservation.place(id)).collect();
        drop(reservation);
        end(places, Ending::TooMany);
        assert_eq!(fill(&windows, id).len(), 20);
    }

    #[test]
    fn a_window_of_answers_widens_it_by_one_up_to_the_bound() {
        let (windows, id) = windows(1, 12);
        end(fill(&windows, id), Ending::TooMany);
        for expected in [6, 7, 8, 9, 10, 11, 12, 12] {
            let places = fill(&windows, id);
            assert_eq!(places.len(), expected);
            end(places, WELL);
        }
    }

    #[test]
    fn answers_of_an_earlier_flight_neither_halve_nor_widen() {
        let (windows, id) = windows(1, 8);
        let mut places = fill(&windows, id);
        places.pop().unwrap().end(Ending::TooMany);
        let late = places.split_off(4);
        end(late, Ending::TooMany);
        end(places, WELL);
        assert_eq!(fill(&windows, id).len(), 4);
    }

    #[test]
    fn what_nobody_answered_teaches_nothing_and_frees_its_place() {
        let (windows, id) = windows(1, 8);
        drop(fill(&windows, id));
        end(fill(&windows, id), Ending::Unknown);
        assert_eq!(fill(&windows, id).len(), 8);
    }

    #[test]
    fn it_stays_below_what_other_programs_leave_of_the_account() {
        let (windows, id) = windows(1, 100);
        let answer_beside = |others: usize| {
            for _ in 0..10 {
                let places = fill(&windows, id);
                let counted = u32::try_from(places.len() + others).unwrap();
                end(places, Ending::Answered(Some(counted)));
            }
            fill(&windows, id).len()
        };
        let beside = answer_beside(40);
        assert!((59..=61).contains(&beside), "about what the others leave: {beside}");
        assert_eq!(answer_beside(0), 100, "they have stopped");
        assert_eq!(answer_beside(5_000), 25, "never less than a quarter");
    }

    #[test]
    fn places_that_were_reserved_but_not_used_are_free_again() {
        let (windows, id) = windows(1, 10);
        let mut reservation = windows.reserve(4);
        assert_eq!(windows.reserve(10).places[&id], 6);
        let place = reservation.place(id);
        drop(reservation);
        assert_eq!(windows.reserve(10).places[&id], 9);
        drop(place);
        assert_eq!(windows.reserve(10).places[&id], 10);
    }

    #[test]
    fn a_connection_that_is_new_may_be_used_before_the_next_heartbeat() {
        let (windows, _) = windows(2, 10);
        let new = ConnectionId::new();
        let mut reservation = windows.reserve(10);
        assert_eq!(reservation.otherwise, 10);
        reservation.place(new).end(WELL);
        assert_eq!(windows.shared.lock().windows[&new].in_flight, 0);
    }

    #[tokio::test]
    async fn a_reader_waits_for_its_place() {
        let (windows, id) = windows(1, 1);
        let first = windows.enter(id).await;
        let waiting = windows.clone();
        let second = tokio::spawn(async move { drop(waiting.enter(id).await) });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.end(WELL);
        second.await.unwrap();
    }
}
