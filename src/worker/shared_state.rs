//! [`Worker`]: the state that all tasks of a worker share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::batch_limits::MAX_ADVANCING_BATCHES;
use super::concurrency_limits::ConcurrencyLimits;
use super::running_routines::RunningRoutines;
use super::sending::InFlight;
use super::sending::recording::Recorder;
use super::worker_lease::WorkerLease;
use crate::clock::Clock;
use crate::db::Pool;
use crate::queue::handover::Handover;
use crate::queue::held_jobs::HeldJobs;
use crate::templates::Renderer;
use crate::twilio::Client;
use crate::types::id::WorkerId;
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;

/// Everything that a worker needs; cheap to clone.
#[derive(Clone)]
pub struct Worker {
    /// The identity of this process among all workers.
    pub(super) id: WorkerId,
    pub(super) db: Pool,
    pub(super) clock: Clock,
    pub(super) twilio: Client,
    pub(super) renderer: Renderer,
    pub(super) secret_key: SecretKey,
    pub(super) public_url: PublicUrl,
    /// The largest number of jobs in flight.
    pub(super) concurrency: NonZeroUsize,
    /// The permits for jobs in flight.
    pub(super) job_permits: Arc<Semaphore>,
    /// The handover, through which this process passes new jobs to this worker directly.
    pub(super) handover: Handover,
    /// Until when the other workers consider this one alive.
    pub(super) lease: WorkerLease,
    /// The jobs that this process has leased.
    pub(super) held_jobs: HeldJobs,
    /// The messages that this process is submitting.
    pub(super) in_flight: InFlight,
    /// Records the responses of Twilio.
    pub(super) recorder: Recorder,
    /// The limits of concurrent requests to Twilio.
    pub(super) concurrency_limits: ConcurrencyLimits,
    /// The permits for batches of enrollments that advance at the same time.
    pub(super) advance_permits: Arc<Semaphore>,
    /// The routines that this process is running.
    pub(super) running_routines: RunningRoutines,
}

/// The dependencies of a worker.
#[derive(Clone)]
pub struct WorkerParts {
    /// The database.
    pub db: Pool,
    /// The clock.
    pub clock: Clock,
    /// The Twilio client.
    pub twilio: Client,
    /// The template cache.
    pub renderer: Renderer,
    /// Unseals the connections' keys.
    pub secret_key: SecretKey,
    /// The base URL of Twilio's status callbacks.
    pub public_url: PublicUrl,
    /// The largest number of jobs in flight.
    pub concurrency: NonZeroUsize,
    /// The handover, through which the process passes new jobs to the worker directly.
    pub handover: Handover,
}

impl Worker {
    /// Creates a worker with a new identity, on the current runtime.
    #[must_use]
    pub fn new(parts: WorkerParts) -> Self {
        let WorkerParts {
            db,
            clock,
            twilio,
            renderer,
            secret_key,
            public_url,
            concurrency,
            handover,
        } = parts;
        let in_flight = InFlight::default();
        let id = WorkerId::new();
        let recorder = Recorder::start(id, &db, &clock, &in_flight);
        Self {
            id,
            db,
            clock,
            twilio,
            renderer,
            secret_key,
            public_url,
            concurrency,
            job_permits: Arc::new(Semaphore::new(concurrency.get())),
            handover,
            lease: WorkerLease::default(),
            held_jobs: HeldJobs::default(),
            in_flight,
            recorder,
            concurrency_limits: ConcurrencyLimits::default(),
            advance_permits: Arc::new(Semaphore::new(MAX_ADVANCING_BATCHES)),
            running_routines: RunningRoutines::default(),
        }
    }

    /// The identity with which it leases jobs and makes attempts.
    #[must_use]
    pub const fn id(&self) -> WorkerId {
        self.id
    }
}
