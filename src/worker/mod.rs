//! The worker: performs jobs and runs periodic work.
//!
//! [`poll`] leases due jobs in batches and hands them to apalis; [`perform`] does them:
//! [`advancing`], [`sending`], [`releasing`], [`settling`], within the [`concurrency_limit`] of the
//! connections. [`schedule`] is what happens by the clock, [`routines`] what of it one worker does
//! for all, such as [`looking_up`], [`collecting`] and [`inspecting`].

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
use limits::ADVANCES;
use running_routines::RunningRoutines;
use sending::InFlight;
use sending::recording::Recorder;
use worker_lease::WorkerLease;

/// Everything that a worker needs; cheap to clone.
#[derive(Clone)]
pub struct Worker {
    /// This process among all workers.
    id: WorkerId,
    db: Pool,
    clock: Clock,
    twilio: Client,
    renderer: Renderer,
    secret_key: SecretKey,
    public_url: PublicUrl,
    /// How many jobs are in flight at most.
    concurrency: NonZeroUsize,
    /// Places for so many jobs.
    places: Arc<Semaphore>,
    /// Where this process hands jobs over to it.
    handover: Handover,
    /// Until when the others let it work.
    lease: WorkerLease,
    /// Jobs that this process has.
    leases: Leases,
    /// Messages that this process is submitting right now.
    in_flight: InFlight,
    /// Writes down what Twilio answered.
    recorder: Recorder,
    /// How many requests may be in flight at Twilio.
    windows: ConcurrencyLimits,
    /// The batches of enrollments that may be advanced at the same time.
    advances: Arc<Semaphore>,
    /// Routines that this process runs right now.
    routines: RunningRoutines,
}

/// What a worker is made of.
#[derive(Clone)]
pub struct WorkerParts {
    /// The database.
    pub db: Pool,
    /// The time.
    pub clock: Clock,
    /// Twilio.
    pub twilio: Client,
    /// The template cache.
    pub renderer: Renderer,
    /// Unseals the connections' keys.
    pub secret_key: SecretKey,
    /// Where Twilio reports to.
    pub public_url: PublicUrl,
    /// How many jobs are in flight at most.
    pub concurrency: NonZeroUsize,
    /// Where the process hands jobs over.
    pub handover: Handover,
}

impl Worker {
    /// Makes a worker with an identity of its own, on the present runtime.
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
            places: Arc::new(Semaphore::new(concurrency.get())),
            handover,
            lease: WorkerLease::default(),
            leases: Leases::default(),
            in_flight,
            recorder,
            windows: ConcurrencyLimits::default(),
            advances: Arc::new(Semaphore::new(ADVANCES)),
            routines: RunningRoutines::default(),
        }
    }

    /// The identity under which it leases jobs and makes attempts.
    #[must_use]
    pub const fn id(&self) -> WorkerId {
        self.id
    }
}
