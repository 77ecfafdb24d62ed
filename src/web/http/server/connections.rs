//! Every open connection, what it waits for, and which ones go when there is no room.
//!
//! A caller that has sent its whole request is never put out. Those that wait go, the oldest first:
//! a connection costs a stranger nothing, while Twilio's calls arrive whole within a moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

use crate::types::network::{Network, TrustedProxies};

/// A connection that is younger may be one whose request is on its way.
const YOUNG: Duration = Duration::from_secs(1);
/// The limit is told this often at most.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// How many connections there may be.
#[derive(Debug, Clone)]
pub(in crate::web) struct ConnectionLimits {
    /// All.
    pub(in crate::web) total: usize,
    /// Of one caller.
    pub(in crate::web) per_caller: usize,
    /// Who may have all.
    pub(in crate::web) trusted: TrustedProxies,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::web) enum Phase {
    /// The head of a request.
    Head,
    /// The rest of a request whose handler waits for it.
    Body,
    /// Nothing: it is answered, or being answered.
    Answer,
    /// The next request.
    Idle,
}

/// The open connections of a process.
#[derive(Clone)]
pub(in crate::web) struct Connections(Arc<Shared>);

struct Shared {
    limits: ConnectionLimits,
    begun: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<HttpConnection>>,
    by_caller: HashMap<Network, usize>,
    told: Option<Instant>,
}

/// One connection, as those see it who answer on it.
pub(in crate::web) struct HttpConnection {
    /// None for a proxy's, which are not counted.
    caller: Option<Network>,
    /// Whether it got one of the last places, which are for hooks.
    in_reserve: bool,
    begun: Instant,
    phase: AtomicU8,
    /// When the phase began, in milliseconds since `begun`.
    since: AtomicU64,
    put_out: AtomicBool,
    hung_up: AtomicBool,
    waker: AtomicWaker,
}

/// A connection's place, which is free again when this value goes.
pub(in crate::web) struct ConnectionPermit {
    id: u64,
    connection: Arc<HttpConnection>,
    shared: Arc<Shared>,
}

/// A request in progress: its connection is not put out.
pub(in crate::web) struct Answering {
    connection: Arc<HttpConnection>,
    /// What the connection waits for afterwards.
    after: Phase,
}

impl Connections {
    pub(in crate::web) fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Shared { limits, begun: Instant::now(), open: Mutex::default() }))
    }

    /// How many there may be.
    pub(super) fn total(&self) -> usize {
        self.0.limits.total
    }

    /// Gives a new connection a place, putting others out where there is none; `None` when all are
    /// being answered.
    pub(super) fn admit(&self, peer: Option<IpAddr>) -> Option<ConnectionPermit> {
        let Shared { limits, begun, .. } = &*self.0;
        let caller = peer.filter(|peer| !limits.trusted.contains(*peer)).map(Network::from);
        let mut open = self.0.open.lock();
        if let Some(caller) = caller
            && open.of(caller) >= limits.per_caller
        {
            open.tell(
                "one caller has as many connections as it may have; a proxy belongs into \
                 CARILLON_TRUSTED_PROXIES",
                limits.per_caller,
            );
            if open.put_out(Some(caller), limits.per_caller.div_ceil(32), 0) == 0 {
                return None;
            }
        }
        let reserve = limits.total / 8;
        if open.all.len() + reserve >= limits.total {
            open.tell("there are as many connections as may be", limits.total);
            let most = limits.total.div_ceil(32);
            // As many as the reserve holds may wait in it: hooks that arrive together do not put
            // each other out.
            open.put_out(None, most, reserve);
            if open.all.len() >= limits.total && open.put_out(None, most, 0) == 0 {
                return None;
            }
        }
        let connection = Arc::new(HttpConnection {
            caller,
            in_reserve: open.all.len() + reserve >= limits.total,
            begun: *begun,
            phase: AtomicU8::new(Phase::Head as u8),
            since: AtomicU64::new(milliseconds(begun.elapsed())),
            put_out: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let id = open.next;
        open.next += 1;
        open.all.insert(id, Arc::clone(&connection));
        if let Some(caller) = caller {
            *open.by_caller.entry(caller).or_default() += 1;
        }
        Some(ConnectionPermit { id, connection, shared: Arc::clone(&self.0) })
    }
}

impl Open {
    fn of(&self, caller: Network) -> usize {
        self.by_caller.get(&caller).copied().unwrap_or_default()
    }

    /// Puts out up to `most` connections that wait, of one caller or of all, those first that wait
    /// longest for the rest of a request, and keeps so many.
    fn put_out(&mut self, of: Option<Network>, most: usize, keep: usize) -> usize {
        let rank = |connection: &HttpConnection| match connection.phase() {
            (Phase::Answer, _) => None,
            (Phase::Head | Phase::Body, waited) if waited >= YOUNG => {
                Some((0, std::cmp::Reverse(waited)))
            }
            (Phase::Idle, waited) => Some((1, std::cmp::Reverse(waited))),
            (Phase::Head | Phase::Body, waited) => Some((2, std::cmp::Reverse(waited))),
        };
        let those =
            self.all.iter().filter(|(_, connection)| of.is_none() || connection.caller == of);
        let mut waiting: Vec<_> =
            those.filter_map(|(id, connection)| Some((rank(connection)?, *id))).collect();
        let most = most.min(waiting.len().saturating_sub(keep));
        if waiting.len() > most {
            waiting.select_nth_unstable(most);
            waiting.truncate(most);
        }
        for (_, id) in &waiting {
            if let Some(connection) = self.remove(*id) {
                connection.put_out.store(true, Ordering::Release);
                connection.waker.wake();
            }
        }
        waiting.len()
    }

    fn remove(&mut self, id: u64) -> Option<Arc<HttpConnection>> {
        let connection = self.all.remove(&id)?;
        if let Some(caller) = connection.caller
            && let Some(count) = self.by_caller.get_mut(&caller)
        {
            *count -= 1;
            if *count == 0 {
                self.by_caller.remove(&caller);
            }
        }
        Some(connection)
    }

    fn tell(&mut self, what: &str, limit: usize) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(limit, "{what}: those that wait longest are closed");
        }
    }
}

impl HttpConnection {
    /// What it waits for, and how long it has waited.
    pub(super) fn phase(&self) -> (Phase, Duration) {
        let phase = match self.phase.load(Ordering::Acquire) {
            0 => Phase::Head,
            1 => Phase::Body,
            2 => Phase::Answer,
            _ => Phase::Idle,
        };
        (
            phase,
            self.begun
                .elapsed()
                .saturating_sub(Duration::from_millis(self.since.load(Ordering::Relaxed))),
        )
    }

    pub(in crate::web) fn enter(&self, phase: Phase) {
        self.since.store(milliseconds(self.begun.elapsed()), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// A request has come whole, or at least its head.
    pub(in crate::web) fn answer(self: &Arc<Self>) -> Answering {
        self.enter(Phase::Answer);
        Answering { connection: Arc::clone(self), after: Phase::Idle }
    }

    /// Whether only hooks are answered on it.
    pub(in crate::web) fn is_in_reserve(&self) -> bool {
        self.in_reserve
    }

    /// Whether the other side has hung up.
    pub(in crate::web) fn is_hung_up(&self) -> bool {
        self.hung_up.load(Ordering::Acquire)
    }

    pub(super) fn hang_up(&self) {
        self.hung_up.store(true, Ordering::Release);
    }

    /// Whether it must go; whoever asks is woken when that changes.
    pub(super) fn is_put_out(&self, waker: &std::task::Waker) -> bool {
        self.waker.register(waker);
        self.put_out.load(Ordering::Acquire)
    }
}

impl ConnectionPermit {
    pub(super) fn connection(&self) -> &Arc<HttpConnection> {
        &self.connection
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.shared.open.lock().remove(self.id);
    }
}

impl Answering {
    /// Says that the rest of the request has not come, although it is answered already: there is no
    /// more patience than for a head.
    pub(in crate::web) fn rest_is_missing(&mut self) {
        self.after = Phase::Head;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.connection.enter(self.after);
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: &str = "203.0.113.9";

    fn connections(total: usize, per_caller: usize) -> Connections {
        Connections::new(ConnectionLimits {
            total,
            per_caller,
            trusted: TrustedProxies::parse("10.0.0.0/8").unwrap(),
        })
    }

    fn admit(connections: &Connections, peer: &str) -> Option<ConnectionPermit> {
        connections.admit(Some(peer.parse().unwrap()))
    }

    fn is_out(place: &ConnectionPermit) -> bool {
        place.connection().is_put_out(std::task::Waker::noop())
    }

    #[test]
    fn one_caller_puts_out_its_own_connections_and_no_others() {
        let connections = connections(100, 8);
        let other = admit(&connections, "198.51.100.1").unwrap();
        let places: Vec<_> = (0..8).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        assert!(!places.iter().any(is_out));
        let ninth = admit(&connections, STRANGER).unwrap();
        assert_eq!(places.iter().filter(|place| is_out(place)).count(), 1);
        assert!(!is_out(&other) && !is_out(&ninth));
        let answering: Vec<_> =
            places.iter().chain([&ninth]).map(|place| place.connection().answer()).collect();
        assert!(admit(&connections, STRANGER).is_none(), "what is being answered is not put out");
        drop(answering);
        assert!(admit(&connections, STRANGER).is_some());
    }

    #[test]
    fn a_trusted_proxy_has_as_many_as_there_are() {
        let connections = connections(100, 8);
        let places: Vec<_> = (0..50).map(|_| admit(&connections, "10.0.0.1").unwrap()).collect();
        assert!(!places.iter().any(is_out));
    }

    #[test]
    fn the_last_places_are_for_hooks() {
        let connections = connections(16, 100);
        let places: Vec<_> = (0..14).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        let answering: Vec<_> = places.iter().map(|place| place.connection().answer()).collect();
        assert!(!places.iter().any(|place| place.connection().is_in_reserve()));
        let late: Vec<_> = (0..2).map(|_| admit(&connections, "198.51.100.1").unwrap()).collect();
        assert!(late.iter().all(|place| place.connection().is_in_reserve()));
        let more = admit(&connections, STRANGER).unwrap();
        assert_eq!(
            late.iter().filter(|place| is_out(place)).count(),
            1,
            "one that waits goes, those that are answered stay"
        );
        assert!(!places.iter().any(is_out) && more.connection().is_in_reserve());
        drop((answering, late, more, places));
        assert!(!admit(&connections, STRANGER).unwrap().connection().is_in_reserve());
    }

    #[test]
    fn those_go_first_that_wait_longest_for_the_rest_of_a_request() {
        let connections = connections(100, 8);
        let places: Vec<_> = (0..8).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        for (place, phase) in
            places.iter().zip([Phase::Idle, Phase::Head, Phase::Body, Phase::Answer].iter().cycle())
        {
            place.connection().enter(*phase);
        }
        let order = |connections: &Connections| connections.0.open.lock().put_out(None, 2, 0);
        // Nothing has waited for a second yet: what is idle goes before what has just begun.
        assert_eq!(order(&connections), 2);
        assert!(is_out(&places[0]) && is_out(&places[4]));
        assert_eq!(order(&connections) + order(&connections), 4);
        assert_eq!(order(&connections), 0);
        assert!(!is_out(&places[3]) && !is_out(&places[7]));
    }
}
