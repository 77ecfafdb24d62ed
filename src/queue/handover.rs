//! Handover (fast path): jobs that are due at once go from the transaction that creates them
//! straight to the worker of the same process.
//!
//! They are rows of the queue like all others, leased to that worker from the start: if the process
//! dies, other workers take them over. If this process has no worker, or a busy one, they wait in
//! the queue for any worker.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Receiver;
use super::apalis_channel::LeasedBatch;
use super::held_jobs::{HeldJobs, LeaseGuard};
use super::lease::Leased;
use crate::types::id::WorkerId;

/// The way from code that creates jobs to this process's worker, while there is one; cheap to
/// clone.
#[derive(Clone, Default)]
pub struct Handover(Arc<Mutex<Option<WorkerIntake>>>);

/// The intake of a worker: what accepts jobs for it.
#[derive(Clone)]
pub(crate) struct WorkerIntake {
    pub(crate) worker: WorkerId,
    /// One permit for each job that the worker may hold at a time.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) held_jobs: HeldJobs,
    /// The batches that the worker performs.
    pub(crate) batches: mpsc::Sender<LeasedBatch>,
    /// The largest number of jobs in a batch.
    pub(crate) max_batch: usize,
}

/// Permits of a worker that are reserved for the jobs of a transaction that has not committed yet;
/// returned when dropped.
pub struct HandoverReservation {
    intake: WorkerIntake,
    permits: OwnedSemaphorePermit,
    lease_guard: LeaseGuard,
}

impl Handover {
    /// Registers a worker's intake.
    pub(crate) fn open(&self, intake: WorkerIntake) {
        *self.0.lock() = Some(intake);
    }

    /// Removes the intake of this worker, if it is the one that is registered.
    pub(crate) fn close(&self, worker: WorkerId) {
        self.0.lock().take_if(|intake| intake.worker == worker);
    }

    /// Reserves permits for up to `max_jobs` jobs, if the worker has any free. Call it before the
    /// transaction begins.
    pub async fn reserve(&self, max_jobs: usize) -> Option<HandoverReservation> {
        let intake = self.0.lock().clone()?;
        let free = intake.permits.available_permits().min(max_jobs);
        let permits = Arc::clone(&intake.permits)
            .try_acquire_many_owned(u32::try_from(free).ok()?)
            .ok()
            .filter(|permits| permits.num_permits() > 0)?;
        let lease_guard = intake.held_jobs.begin_leasing().await;
        Some(HandoverReservation { intake, permits, lease_guard })
    }
}

impl HandoverReservation {
    /// The receiver of a transaction's jobs: the worker, up to the reserved permits, or any worker
    /// if there is no reservation.
    #[must_use]
    pub fn receiver(reservation: Option<&Self>) -> Receiver {
        reservation.map_or(Receiver::AnyWorker, |reservation| Receiver::Worker {
            id: reservation.intake.worker,
            max_jobs: reservation.permits.num_permits(),
        })
    }

    /// Passes to the worker, after the commit, the jobs that [`enqueue_for`](super::enqueue_for)
    /// leased to it. Jobs that a stopping worker no longer accepts return to the queue at its next
    /// check of its leases, or when it deregisters.
    pub fn dispatch(self, jobs: &[Leased]) {
        let Self { intake, mut permits, lease_guard } = self;
        lease_guard.hold(jobs);
        for jobs in jobs.chunks(intake.max_batch) {
            let of_batch = permits.split(jobs.len());
            let accepted = of_batch.is_some_and(|permits| {
                intake.batches.try_send(LeasedBatch { jobs: jobs.to_vec(), permits }).is_ok()
            });
            if !accepted {
                intake.held_jobs.release(jobs);
            }
        }
    }
}

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handover")
    }
}
