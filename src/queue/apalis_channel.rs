//! Feeds batches of leased jobs to an apalis worker through a channel.
//!
//! Apalis provides the runtime: concurrency, caught panics and a graceful stop. Leases and
//! heartbeats stay in [`lease`](crate::queue::lease) and
//! [`worker_registry`](crate::queue::worker_registry), because an `Err` from a backend
//! permanently ends an apalis worker, which a restart of the database must not do.

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
pub struct LeasedBatch {
    /// The jobs, longest due first.
    pub jobs: Vec<Leased>,
    /// One permit for each job, returned when the batch is dropped.
    pub permits: OwnedSemaphorePermit,
}

/// The number of batches that may wait until apalis picks them up; permits bound the jobs in them.
const CHANNEL_CAPACITY: usize = 64;

/// The receiving end of a channel of batches, which apalis polls.
#[derive(Debug)]
pub struct BatchChannel {
    batches: mpsc::Receiver<LeasedBatch>,
}

impl BatchChannel {
    /// Opens a channel with the sender that feeds it; dropping the sender ends the worker once it
    /// has finished the batches that it has.
    #[must_use]
    pub fn open() -> (mpsc::Sender<LeasedBatch>, Self) {
        let (sender, batches) = mpsc::channel(CHANNEL_CAPACITY);
        (sender, Self { batches })
    }
}

impl Backend for BatchChannel {
    type Task = Task<LeasedBatch>;
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

impl BackendConfig for BatchChannel {
    type Args = LeasedBatch;
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
