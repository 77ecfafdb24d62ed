//! The apalis backend over our own table: it passes each batch of leased jobs to an apalis worker
//! as one task.
//!
//! Apalis provides the runtime: concurrency, caught panics and a graceful stop. Leases and
//! heartbeats stay in [`lease`](crate::queue::lease) and
//! [`worker_registry`](crate::queue::worker_registry), because an `Err` from a backend ends an
//! apalis worker for good, which a restart of the database must not do.

use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::{RandomId, TaskId};
use apalis_core::worker::context::WorkerContext;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::lease::Leased;

/// Jobs that were leased together, with the permits that bound how many are in flight.
#[derive(Debug)]
pub struct Batch {
    /// The jobs, longest due first.
    pub jobs: Vec<Leased>,
    /// One permit for each job, returned when the batch is dropped.
    pub permits: OwnedSemaphorePermit,
}

/// The number of batches that may wait until apalis picks them up; permits bound the jobs in them.
const CHANNEL_CAPACITY: usize = 64;

/// The receiving end of a channel of batches, which apalis polls.
#[derive(Debug)]
pub struct JobBackend {
    batches: mpsc::Receiver<Batch>,
}

impl JobBackend {
    /// Creates a backend and the sender that feeds it; dropping the sender ends the worker once it
    /// has finished the batches that it has.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Batch>, Self) {
        let (sender, batches) = mpsc::channel(CHANNEL_CAPACITY);
        (sender, Self { batches })
    }
}

impl Backend for JobBackend {
    type Task = Task<Batch>;
    type Error = std::convert::Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.batches.poll_recv(cx).map(|batch| {
            batch.map(|batch| {
                Ok(TaskBuilder::new(batch)
                    .task_id(TaskId::from_string(RandomId::default()))
                    .build())
            })
        })
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for JobBackend {
    type Args = Batch;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
