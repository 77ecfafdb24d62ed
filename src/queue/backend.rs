//! Apalis over our own table: a backend that hands each batch of leased jobs to an apalis worker as
//! one task.
//!
//! Apalis gives what a runtime should: concurrency, panics caught, a graceful stop. Leasing,
//! finishing and heartbeats stay with us ([`crate::queue::lease`]), because an `Err` from a backend
//! ends an apalis worker for good, and a database that restarts must not.

use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::{RandomId, TaskId};
use apalis_core::worker::context::WorkerContext;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::queue::lease::Leased;

/// Jobs that were leased together, with the permits that bound how many are in flight.
#[derive(Debug)]
pub struct Batch {
    /// The jobs, longest due first.
    pub jobs: Vec<Leased>,
    /// One permit for each job, given back when the batch is dropped.
    pub permits: OwnedSemaphorePermit,
}

/// Batches that may wait for apalis to take them, which takes it a moment; their permits bound how
/// many jobs they hold.
const WAITING: usize = 64;

/// The apalis side of a channel of batches.
#[derive(Debug)]
pub struct JobBackend {
    batches: mpsc::Receiver<Batch>,
}

impl JobBackend {
    /// Makes a backend and the sender that feeds it; dropping the sender ends the worker when it
    /// has finished what it has.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Batch>, Self) {
        let (sender, batches) = mpsc::channel(WAITING);
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
