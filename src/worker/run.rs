//! Running a worker: starts its tasks, and stops them in order.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::fail_point::FailPoint;
use crate::queue::apalis_channel::{BatchChannel, LeasedBatch};
use crate::queue::handover::WorkerIntake;
use crate::queue::worker_registry;

/// How long work in flight may continue after the stop signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval of tries to send the first heartbeat.
const FIRST_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

impl Worker {
    /// Runs until `stop`, then finishes what is in flight (up to 30 s) and signs off.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.first_heartbeat()).await;
        let (sender, backend) = BatchChannel::open();
        self.handover.open(WorkerIntake {
            worker: self.id,
            permits: Arc::clone(&self.job_permits),
            held_jobs: self.held_jobs.clone(),
            batches: sender.clone(),
            max_batch: Self::batch_size(),
        });
        let wake = Arc::new(Notify::new());
        let listening = tokio::spawn(self.clone().listen(Arc::clone(&wake), stop.clone()));
        let polling = tokio::spawn(self.clone().poll(sender, wake, stop.clone()));
        let scheduling = tokio::spawn(self.clone().run_heartbeats(stop.clone()));

        let runtime = self.clone().runtime(backend, stop.clone());
        tracing::info!(worker.id = %self.id, concurrency = self.concurrency, "worker started");
        FailPoint::WorkerStarted.reach();
        tokio::select! {
            () = runtime => {}
            () = async {
                stop.cancelled().await;
                self.handover.close(self.id);
                tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
            } => {
                tracing::warn!(
                    "some work did not finish within 30 s; its messages will be reconciled with \
                     Twilio"
                );
            }
        }
        self.handover.close(self.id);
        for task in [listening, polling, scheduling] {
            task.abort();
        }
        if let Ok(mut conn) = self.db.get().await
            && let Err(error) = worker_registry::deregister(&mut conn, self.id).await
        {
            tracing::warn!(%error, "could not sign off; the others take over within 30 s");
        }
    }

    /// Repeats the first heartbeat until it succeeds: the other workers then know this one, and it
    /// knows their number and the bounds of the connections.
    async fn first_heartbeat(&self) {
        let mut warned = false;
        while let Err(error) = self.extend_lease().await {
            if !warned {
                tracing::warn!(
                    %error,
                    "cannot reach the database; the worker starts as soon as it can"
                );
            }
            warned = true;
            tokio::time::sleep(FIRST_HEARTBEAT_INTERVAL).await;
        }
    }

    /// Runs apalis on the leased batches until `stop`, and then finishes those that have begun.
    ///
    /// This is not an async function: within one, the compiler cannot prove that apalis's future is
    /// `Send`.
    fn runtime(self, backend: BatchChannel, stop: CancellationToken) -> BoxFuture<'static, ()> {
        let name = format!("carillon-{}", self.id);
        let apalis = WorkerBuilder::new(name).backend(backend).build(move |batch: LeasedBatch| {
            let worker = self.clone();
            // A separate task: apalis polls all batches in one task, which would confine them to
            // one core.
            async move {
                tokio::spawn(async move { worker.perform(batch).await })
                    .await
                    .map_err(|error| -> BoxDynError { Box::new(error) })
            }
        });
        apalis
            .run_until(async move {
                stop.cancelled().await;
                Ok::<(), WorkerError>(())
            })
            .map(|ended| {
                if let Err(error) = ended {
                    tracing::error!(%error, "the job runtime ended");
                }
            })
            .boxed()
    }
}
