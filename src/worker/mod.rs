//! The worker: performs jobs and runs periodic work.
//!
//! [`Worker::run`] leases due jobs in batches ([`poll`]), and apalis performs them ([`perform`]):
//! [`advancing`], [`sending`], [`releasing`] and [`settling`], within the [`concurrency_limit`] of
//! each connection. [`schedule`] sends heartbeats and runs [`routines`], each on one worker at a
//! time, such as [`looking_up`], [`collecting`] and [`inspecting`]. Start with [`poll`].

mod advancing;
mod collecting;
mod concurrency_limit;
mod error;
mod inspecting;
mod limits;
mod looking_up;
mod perform;
mod poll;
mod pricing;
mod releasing;
mod routines;
mod running_routines;
mod schedule;
mod sending;
mod set_aside;
mod settling;
mod until_written;
mod worker_lease;

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::db::Pool;
use crate::queue::handover::Handover;
use crate::queue::leases::Leases;
use crate::templates::Renderer;
use crate::twilio::Client;
use crate::types::id::WorkerId;
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;
use concurrency_limit::ConcurrencyLimits;
use limits::MAX_ADVANCING_BATCHES;
use running_routines::RunningRoutines;
use sending::InFlight;
use sending::recording::Recorder;
use worker_lease::WorkerLease;

/// Everything that a worker needs; cheap to clone.
#[derive(Clone)]
pub struct Worker {
    /// The identity of this process among all workers.
    id: WorkerId,
    db: Pool,
    clock: Clock,
    twilio: Client,
    renderer: Renderer,
    secret_key: SecretKey,
    public_url: PublicUrl,
    /// The largest number of jobs in flight.
    concurrency: NonZeroUsize,
    /// The permits for jobs in flight.
    job_permits: Arc<Semaphore>,
    /// The handover, through which this process passes new jobs to this worker directly.
    handover: Handover,
    /// Until when the other workers consider this one alive.
    lease: WorkerLease,
    /// The jobs that this process has leased.
    leases: Leases,
    /// The messages that this process is submitting.
    in_flight: InFlight,
    /// Records the answers of Twilio.
    recorder: Recorder,
    /// The limits of concurrent requests to Twilio.
    concurrency_limits: ConcurrencyLimits,
    /// The permits for batches of enrollments that advance at the same time.
    advance_permits: Arc<Semaphore>,
    /// The routines that this process is running.
    running_routines: RunningRoutines,
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
            leases: Leases::default(),
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
