//! The open connections, what each waits for, and which are evicted at capacity.
//!
//! A connection whose whole request has arrived is never evicted. Those that wait are, the oldest
//! first: a connection costs a stranger nothing, while Twilio's calls arrive whole within a moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

use crate::types::network::Network;
use crate::types::trusted_proxies::TrustedProxies;

/// How long a connection may wait before it is suspected of never sending its request, and is
/// evicted first.
const SUSPICIOUS_WAIT: Duration = Duration::from_secs(1);
/// The minimum time between two warnings about a limit.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The limits of open connections.
#[derive(Debug, Clone)]
pub(in crate::web) struct ConnectionLimits {
    /// The connections of all callers together.
    pub(in crate::web) total: usize,
    /// The connections of one caller.
    pub(in crate::web) per_caller: usize,
    /// Proxies, to which the limit of one caller does not apply.
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
    /// Nothing: its request is being answered.
    Answer,
    /// The next request.
    Idle,
}

/// The open connections of a process; cheap to clone.
#[derive(Clone)]
pub(in crate::web) struct Connections(Arc<Shared>);

struct Shared {
    limits: ConnectionLimits,
    begun: Instant,
    open: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    next: u64,
    all: HashMap<u64, Arc<HttpConnection>>,
    by_caller: HashMap<Network, usize>,
    warned_at: Option<Instant>,
}

/// The state of one connection, shared between its stream and the requests that arrive on it.
pub(in crate::web) struct HttpConnection {
    /// `None` for a trusted proxy, whose connections are not counted by caller.
    caller: Option<Network>,
    /// Whether its permit is one of the last, which are reserved for webhooks.
    in_reserve: bool,
    begun: Instant,
    phase: AtomicU8,
    /// When the phase began, in milliseconds since `begun`.
    since: AtomicU64,
    evicted: AtomicBool,
    closed_by_peer: AtomicBool,
    waker: AtomicWaker,
}

/// The permit of an open connection, which is returned when this is dropped.
pub(in crate::web) struct ConnectionPermit {
    id: u64,
    connection: Arc<HttpConnection>,
    shared: Arc<Shared>,
}

/// A request in progress: its connection is not evicted until this is dropped.
pub(in crate::web) struct ActiveRequest {
    connection: Arc<HttpConnection>,
    /// What the connection waits for after the response.
    after: Phase,
}

impl Connections {
    pub(in crate::web) fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Shared { limits, begun: Instant::now(), open: Mutex::default() }))
    }

    /// The largest number of open connections.
    pub(super) fn total(&self) -> usize {
        self.0.limits.total
    }

    /// Admits a new connection, at capacity by evicting others; `None` if all of them are being
    /// answered.
    pub(super) fn admit(&self, peer: Option<IpAddr>) -> Option<ConnectionPermit> {
        let Shared { limits, begun, .. } = &*self.0;
        let caller = peer.filter(|peer| !limits.trusted.contains(*peer)).map(Network::from);
        let mut open = self.0.open.lock();
        if let Some(caller) = caller
            && open.of(caller) >= limits.per_caller
        {
            open.warn(
                "one caller has reached its limit of connections; if it is a proxy, name it in \
                 CARILLON_TRUSTED_PROXIES",
                limits.per_caller,
            );
            if open.evict(Some(caller), limits.per_caller.div_ceil(32), 0) == 0 {
                return None;
            }
        }
        let reserve = limits.total / 8;
        if open.all.len() + reserve >= limits.total {
            open.warn("the limit of connections is reached", limits.total);
            let most = limits.total.div_ceil(32);
            // As many connections as the reserve has may wait: webhooks that arrive together do not
            // evict each other.
            open.evict(None, most, reserve);
            if open.all.len() >= limits.total && open.evict(None, most, 0) == 0 {
                return None;
            }
        }
        let connection = Arc::new(HttpConnection {
            caller,
            in_reserve: open.all.len() + reserve >= limits.total,
            begun: *begun,
            phase: AtomicU8::new(Phase::Head as u8),
            since: AtomicU64::new(milliseconds(begun.elapsed())),
            evicted: AtomicBool::new(false),
            closed_by_peer: AtomicBool::new(false),
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

impl OpenConnections {
    fn of(&self, caller: Network) -> usize {
        self.by_caller.get(&caller).copied().unwrap_or_default()
    }

    /// Evicts up to `most` waiting connections, of one caller or of all, but leaves `keep` of them.
    /// Those that wait longest for the rest of a request go first. Returns how many it has evicted.
    fn evict(&mut self, of: Option<Network>, most: usize, keep: usize) -> usize {
        let rank = |connection: &HttpConnection| match connection.phase() {
            (Phase::Answer, _) => None,
            (Phase::Head | Phase::Body, waited) if waited >= SUSPICIOUS_WAIT => {
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
                connection.evicted.store(true, Ordering::Release);
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

    fn warn(&mut self, what: &str, limit: usize) {
        if self.warned_at.is_none_or(|warned_at| warned_at.elapsed() >= WARNING_INTERVAL) {
            self.warned_at = Some(Instant::now());
            tracing::warn!(limit, "{what}: those that wait longest are closed");
        }
    }
}

impl HttpConnection {
    /// What the connection waits for, and how long it has been waiting.
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

    /// Begins to answer a request, of which at least the head has arrived.
    pub(in crate::web) fn begin_answer(self: &Arc<Self>) -> ActiveRequest {
        self.enter(Phase::Answer);
        ActiveRequest { connection: Arc::clone(self), after: Phase::Idle }
    }

    /// Whether only webhooks and health checks are answered on this connection.
    pub(in crate::web) fn is_in_reserve(&self) -> bool {
        self.in_reserve
    }

    /// Whether the peer has closed the connection.
    pub(in crate::web) fn is_closed_by_peer(&self) -> bool {
        self.closed_by_peer.load(Ordering::Acquire)
    }

    pub(super) fn mark_closed_by_peer(&self) {
        self.closed_by_peer.store(true, Ordering::Release);
    }

    /// Whether the connection has been evicted; `waker` is woken when that changes.
    pub(super) fn is_evicted(&self, waker: &std::task::Waker) -> bool {
        self.waker.register(waker);
        self.evicted.load(Ordering::Acquire)
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

impl ActiveRequest {
    /// Expects the rest of a request that is answered already, with the timeout for the head of
    /// one.
    pub(in crate::web) fn expect_rest_of_request(&mut self) {
        self.after = Phase::Head;
    }
}

impl Drop for ActiveRequest {
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

    fn is_evicted(permit: &ConnectionPermit) -> bool {
        permit.connection().is_evicted(std::task::Waker::noop())
    }

    #[test]
    fn one_caller_evicts_its_own_connections_and_no_others() {
        let connections = connections(100, 8);
        let other = admit(&connections, "198.51.100.1").unwrap();
        let permits: Vec<_> = (0..8).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        assert!(!permits.iter().any(is_evicted));
        let ninth = admit(&connections, STRANGER).unwrap();
        assert_eq!(permits.iter().filter(|permit| is_evicted(permit)).count(), 1);
        assert!(!is_evicted(&other) && !is_evicted(&ninth));
        let answering: Vec<_> = permits
            .iter()
            .chain([&ninth])
            .map(|permit| permit.connection().begin_answer())
            .collect();
        assert!(
            admit(&connections, STRANGER).is_none(),
            "a connection that is being answered is not evicted"
        );
        drop(answering);
        assert!(admit(&connections, STRANGER).is_some());
    }

    #[test]
    fn a_trusted_proxy_may_have_all_connections() {
        let connections = connections(100, 8);
        let permits: Vec<_> = (0..50).map(|_| admit(&connections, "10.0.0.1").unwrap()).collect();
        assert!(!permits.iter().any(is_evicted));
    }

    #[test]
    fn the_last_permits_are_for_hooks() {
        let connections = connections(16, 100);
        let permits: Vec<_> = (0..14).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        let answering: Vec<_> =
            permits.iter().map(|permit| permit.connection().begin_answer()).collect();
        assert!(!permits.iter().any(|permit| permit.connection().is_in_reserve()));
        let late: Vec<_> = (0..2).map(|_| admit(&connections, "198.51.100.1").unwrap()).collect();
        assert!(late.iter().all(|permit| permit.connection().is_in_reserve()));
        let more = admit(&connections, STRANGER).unwrap();
        assert_eq!(
            late.iter().filter(|permit| is_evicted(permit)).count(),
            1,
            "a waiting connection is evicted, those that are being answered stay"
        );
        assert!(!permits.iter().any(is_evicted) && more.connection().is_in_reserve());
        drop((answering, late, more, permits));
        assert!(!admit(&connections, STRANGER).unwrap().connection().is_in_reserve());
    }

    #[test]
    fn those_that_wait_longest_for_the_rest_of_a_request_are_evicted_first() {
        let connections = connections(100, 8);
        let permits: Vec<_> = (0..8).map(|_| admit(&connections, STRANGER).unwrap()).collect();
        for (permit, phase) in permits
            .iter()
            .zip([Phase::Idle, Phase::Head, Phase::Body, Phase::Answer].iter().cycle())
        {
            permit.connection().enter(*phase);
        }
        let order = |connections: &Connections| connections.0.open.lock().evict(None, 2, 0);
        // Nothing has waited for a second yet: idle connections go before those that have just
        // begun a request.
        assert_eq!(order(&connections), 2);
        assert!(is_evicted(&permits[0]) && is_evicted(&permits[4]));
        assert_eq!(order(&connections) + order(&connections), 4);
        assert_eq!(order(&connections), 0);
        assert!(!is_evicted(&permits[3]) && !is_evicted(&permits[7]));
    }
}
