//! What the server, the network and the handle share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::network::{Answer, Call, Network};
use super::options::SimulatorOptions;
use super::pages::Pages;
use super::world::World;

/// One simulator.
pub(super) struct Shared {
    pub(super) options: SimulatorOptions,
    pub(super) pages: Pages,
    /// Requests under way, for `Twilio-Concurrent-Requests`.
    pub(super) concurrent: AtomicUsize,
    /// Lets go of the requests that are held open.
    pub(super) let_go: Notify,
    /// Requests that are stuck until then.
    stalled: AtomicUsize,
    world: Mutex<World>,
    network: Network,
    runtime: OnceLock<Handle>,
    under_way: AtomicUsize,
    idle: Notify,
    hurry: watch::Sender<usize>,
}

impl Shared {
    pub(super) fn new(options: SimulatorOptions) -> Self {
        Self {
            world: Mutex::new(World::new(&options)),
            network: Network::new(&options),
            pages: Pages::load(),
            options,
            concurrent: AtomicUsize::new(0),
            let_go: Notify::new(),
            stalled: AtomicUsize::new(0),
            runtime: OnceLock::new(),
            under_way: AtomicUsize::new(0),
            idle: Notify::new(),
            hurry: watch::Sender::new(0),
        }
    }

    /// The state; never held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the runtime on which messages travel: the one that started the simulator, not that
    /// of a server thread.
    pub(super) fn adopt_runtime(&self) {
        self.runtime.get_or_init(Handle::current);
    }

    pub(super) fn runtime(&self) -> &Handle {
        self.runtime.get_or_init(Handle::current)
    }

    /// Counts something as under way until the guard is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(self))
    }

    /// How many messages and webhooks are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Waits until nothing is under way.
    pub(super) async fn wait_idle(&self) {
        loop {
            let changed = self.idle.notified();
            if self.under_way() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Lets everything under way take no time until nothing is left.
    pub(super) async fn flush(&self) {
        self.hurry.send_modify(|count| *count += 1);
        self.wait_idle().await;
        self.hurry.send_modify(|count| *count -= 1);
    }

    /// Waits, unless everything is to hurry.
    pub(super) async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            let mut hurry = self.hurry.subscribe();
            // Both ends mean the same: go on.
            let _ = tokio::time::timeout(time, hurry.wait_for(|count| *count > 0)).await;
        }
    }

    /// Waits until it is let go.
    pub(super) async fn stall(&self) {
        let mut let_go = std::pin::pin!(self.let_go.notified());
        // From here on it is let go with the others, and counted only now.
        let_go.as_mut().enable();
        let _stalled = Stalled::enter(&self.stalled);
        let_go.await;
    }

    /// How many requests are stuck.
    pub(super) fn stalled(&self) -> usize {
        self.stalled.load(Ordering::SeqCst)
    }

    /// Calls a webhook and notes how it went.
    pub(super) async fn call(&self, call: &Call) -> Answer {
        self.network.call(call, |attempt| self.world().note_callback(attempt)).await
    }
}

/// A request is stuck, until it goes on or is given up.
struct Stalled<'a>(&'a AtomicUsize);

impl<'a> Stalled<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Something is under way.
pub(super) struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
