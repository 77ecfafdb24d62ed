//! Polling: leases due jobs as places become free, woken by PostgreSQL when a commit brings new
//! ones.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::queue::CHANNEL;
use crate::queue::backend::{Batch, JobBackend};
use crate::queue::handover::Desk;
use crate::queue::lease::{self, Leased};
use crate::worker::Worker;

/// The slow poll behind the wake-ups: it finds jobs whose wake-up was lost.
const POLL: Duration = Duration::from_secs(1);

/// The shortest pause: a job that is due and that nobody has yet is being taken by another worker.
const MIN_PAUSE: Duration = Duration::from_millis(5);

/// How long a busy worker lets places come free before it leases jobs for them.
const GATHERING: Duration = Duration::from_millis(50);

/// How long work in flight may take to end after the stop signal.
const GRACE: Duration = Duration::from_secs(30);

/// What a look at the queue brought.
enum Taken {
    Jobs(Vec<Leased>),
    /// Nothing is due; the next job, if there is one, is at this time.
    NoneBefore(Option<DateTime<Utc>>),
}

/// So many places when they come free soon, otherwise one or more; none when there are none any
/// more.
async fn some_places(places: &Arc<Semaphore>, enough: usize) -> Option<OwnedSemaphorePermit> {
    let enough = u32::try_from(enough).unwrap_or(1);
    if enough > 1
        && let Ok(permits) =
            tokio::time::timeout(GATHERING, Arc::clone(places).acquire_many_owned(enough)).await
    {
        return permits.ok();
    }
    Arc::clone(places).acquire_owned().await.ok()
}

impl Worker {
    /// Runs until `stop`, then finishes what is in flight (up to 30 s) and signs off.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.first_sign_of_life()).await;
        let (sender, backend) = JobBackend::channel();
        self.handover.open(Desk {
            worker: self.id,
            places: Arc::clone(&self.places),
            leases: self.leases.clone(),
            batches: sender.clone(),
            largest_batch: Self::batch_size(),
        });
        let wake = Arc::new(Notify::new());
        let listening = tokio::spawn(self.clone().listen(Arc::clone(&wake), stop.clone()));
        let polling = tokio::spawn(self.clone().poll(sender, wake, stop.clone()));
        let keeping = tokio::spawn(self.clone().keep_schedule(stop.clone()));

        let runtime = self.clone().runtime(backend, stop.clone());
        tracing::info!(worker.id = %self.id, concurrency = self.concurrency, "worker started");
        tokio::select! {
            () = runtime => {}
            () = async { stop.cancelled().await; self.handover.close(self.id); tokio::time::sleep(GRACE).await } => {
                tracing::warn!(
                    "some work did not end within 30 s; its messages will be settled by asking \
                     Twilio"
                );
            }
        }
        self.handover.close(self.id);
        for task in [listening, polling, keeping] {
            task.abort();
        }
        if let Ok(mut conn) = self.db.get().await
            && let Err(error) = lease::leave(&mut conn, self.id).await
        {
            tracing::warn!(%error, "could not sign off; the others take over within 30 s");
        }
    }

    /// Returns once this worker is known to the others, and knows how many there are and what the
    /// connections may have in flight.
    async fn first_sign_of_life(&self) {
        let mut told = false;
        while let Err(error) = self.prolong_lease().await {
            if !told {
                tracing::warn!(
                    %error,
                    "cannot reach the database; the worker begins as soon as it is there"
                );
            }
            told = true;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Apalis on the batches that are leased, until `stop`; then those that it has begun are
    /// finished.
    ///
    /// Not an async function: within one, the compiler cannot prove that apalis's future is `Send`.
    fn runtime(self, backend: JobBackend, stop: CancellationToken) -> BoxFuture<'static, ()> {
        let name = format!("carillon-{}", self.id);
        let apalis = WorkerBuilder::new(name).backend(backend).build(move |batch: Batch| {
            let worker = self.clone();
            // A task of its own: apalis polls all batches in one task, which would bind them to one
            // core.
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

    /// Leases jobs whenever there are places for them, until `stop`.
    async fn poll(self, batches: mpsc::Sender<Batch>, wake: Arc<Notify>, stop: CancellationToken) {
        let places = &self.places;
        let (mut away, mut backlog) = (false, false);
        while !stop.is_cancelled() {
            // While more is due than there are places for, jobs are leased in heaps: each lease and
            // each batch has its price.
            let enough =
                if backlog { (self.concurrency.get() / 4).clamp(1, Self::batch_size()) } else { 1 };
            let Some(mut permits) = some_places(places, enough).await else { return };
            let more = places
                .available_permits()
                .min(Self::batch_size().saturating_sub(permits.num_permits()));
            if let Ok(rest) =
                Arc::clone(places).try_acquire_many_owned(u32::try_from(more).unwrap_or(0))
            {
                permits.merge(rest);
            }
            let most = permits.num_permits();
            let pause = match self.take(most).await {
                Ok(Taken::Jobs(jobs)) => {
                    away = false;
                    backlog = jobs.len() == most;
                    let used = permits.split(jobs.len()).unwrap_or(permits);
                    if batches.send(Batch { jobs, permits: used }).await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(Taken::NoneBefore(next)) => {
                    (away, backlog) = (false, false);
                    self.pause_until(next)
                }
                Err(error) => {
                    if !away {
                        tracing::warn!(error, "cannot fetch jobs; trying again every second");
                    }
                    away = true;
                    POLL
                }
            };
            // Meanwhile others may hand jobs over.
            drop(permits);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Leases due jobs; without one, finds out when the next comes due.
    async fn take(&self, most: usize) -> Result<Taken, String> {
        let mut conn = self.db.get().await.map_err(|error| error.to_string())?;
        let jobs = self.lease(&mut conn, most).await.map_err(|error| error.to_string())?;
        if !jobs.is_empty() {
            return Ok(Taken::Jobs(jobs));
        }
        lease::next_due(&mut conn).await.map(Taken::NoneBefore).map_err(|error| error.to_string())
    }

    fn pause_until(&self, next: Option<DateTime<Utc>>) -> Duration {
        let left = next.map(|next| (next - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
        left.map_or(POLL, |left| left.clamp(MIN_PAUSE, POLL))
    }

    /// Turns PostgreSQL's notifications into wake-ups; connects again when the connection is lost.
    async fn listen(self, wake: Arc<Notify>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Ok(mut conn) = self.db.target().connect().await
                && diesel_async::RunQueryDsl::execute(
                    diesel::sql_query(format!("LISTEN {CHANNEL}")),
                    &mut conn,
                )
                .await
                .is_ok()
            {
                // Something may have been enqueued while nobody listened.
                wake.notify_one();
                let mut notifications = std::pin::pin!(conn.notifications_stream());
                while let Some(Ok(_)) = notifications.next().await {
                    wake.notify_one();
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
