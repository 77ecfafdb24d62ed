//! The state that the server, the network and the handle share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::options::SimulatorOptions;
use super::page_files::Pages;
use super::webhook_client::{Call, WebhookClient, WebhookResponse};
use super::world::World;

/// The shared state of one simulator.
pub(super) struct Shared {
    pub(super) options: SimulatorOptions,
    pub(super) pages: Pages,
    /// The number of API requests in progress, for `Twilio-Concurrent-Requests`.
    pub(super) concurrent: AtomicUsize,
    /// Releases the requests that a fault holds.
    pub(super) release_stalled: Notify,
    /// The number of stalled requests.
    stalled: AtomicUsize,
    world: Mutex<World>,
    webhook_client: WebhookClient,
    runtime: OnceLock<Handle>,
    /// The number of deliveries and webhook calls in progress.
    under_way: AtomicUsize,
    idle: Notify,
    /// The number of [`Shared::flush`] calls in progress; while there is one, delays are skipped.
    flushes: watch::Sender<usize>,
}

impl Shared {
    pub(super) fn new(options: SimulatorOptions) -> Self {
        Self {
            world: Mutex::new(World::new(&options)),
            webhook_client: WebhookClient::new(&options),
            pages: Pages::load(),
            options,
            concurrent: AtomicUsize::new(0),
            release_stalled: Notify::new(),
            stalled: AtomicUsize::new(0),
            runtime: OnceLock::new(),
            under_way: AtomicUsize::new(0),
            idle: Notify::new(),
            flushes: watch::Sender::new(0),
        }
    }

    /// Locks the state; the guard must not be held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the runtime for background tasks: the one that started the simulator, not that of a
    /// server thread.
    pub(super) fn store_runtime(&self) {
        self.runtime.get_or_init(Handle::current);
    }

    pub(super) fn runtime(&self) -> &Handle {
        self.runtime.get_or_init(Handle::current)
    }

    /// Counts a delivery or a webhook call as in progress until the guard is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> BusyGuard {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        BusyGuard(Arc::clone(self))
    }

    /// The number of deliveries and webhook calls in progress.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Waits until nothing is in progress.
    pub(super) async fn wait_idle(&self) {
        loop {
            let changed = self.idle.notified();
            if self.under_way() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Skips all delays until nothing is in progress.
    pub(super) async fn flush(&self) {
        self.flushes.send_modify(|count| *count += 1);
        self.wait_idle().await;
        self.flushes.send_modify(|count| *count -= 1);
    }

    /// Waits for a delay, or until a flush starts.
    pub(super) async fn pause(&self, delay: Duration) {
        if !delay.is_zero() {
            let mut flushes = self.flushes.subscribe();
            // A timeout and a flush have the same effect: the delivery continues.
            let _ = tokio::time::timeout(delay, flushes.wait_for(|count| *count > 0)).await;
        }
    }

    /// Waits until stalled requests are released.
    pub(super) async fn stall(&self) {
        let mut released = std::pin::pin!(self.release_stalled.notified());
        // Registered before the request is counted, so that no release between the two is missed.
        released.as_mut().enable();
        let _guard = StalledGuard::enter(&self.stalled);
        released.await;
    }

    /// The number of stalled requests.
    pub(super) fn stalled(&self) -> usize {
        self.stalled.load(Ordering::SeqCst)
    }

    /// Calls a webhook and records each attempt.
    pub(super) async fn call(&self, call: &Call) -> WebhookResponse {
        self.webhook_client.call(call, |attempt| self.world().record_callback(attempt)).await
    }
}

/// Counts a request as stalled until it is dropped.
struct StalledGuard<'a>(&'a AtomicUsize);

impl<'a> StalledGuard<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for StalledGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts a delivery or a webhook call as in progress until it is dropped.
pub(super) struct BusyGuard(Arc<Shared>);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
