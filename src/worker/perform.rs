//! Performing a batch of leased jobs: each kind in its own file, and no job is ever lost.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;

use super::Worker;
use super::batch_limits::BATCH;
use super::error::{PerformError, is_database_down};
use super::until_written::until_written;
use crate::db::Unavailable;
use crate::queue::JobKind;
use crate::queue::apalis_channel::LeasedBatch;
use crate::queue::lease::{self, Finish, JobId, Leased};

/// How often a job that fails because of a bug or the database is tried before it is left for an
/// admin.
const MAX_ATTEMPTS: i16 = 20;

impl Worker {
    /// Leases and performs due jobs until none is due, and returns how many there were. For tests,
    /// and for draining a queue.
    pub async fn perform_due(&self) -> Result<usize, Unavailable> {
        let mut performed = 0;
        loop {
            let mut conn = self.db.get().await?;
            let Ok(jobs) = self.lease(&mut conn, BATCH).await else { return Ok(performed) };
            drop(conn);
            if jobs.is_empty() {
                return Ok(performed);
            }
            performed += jobs.len();
            self.perform_kinds(jobs, None).await;
        }
    }

    /// Performs a batch; its permits are released as its jobs end.
    pub(super) async fn perform(&self, batch: LeasedBatch) {
        self.perform_kinds(batch.jobs, Some(batch.permits)).await;
    }

    async fn perform_kinds(&self, jobs: Vec<Leased>, mut permits: Option<OwnedSemaphorePermit>) {
        let (mut advance, mut send) = (Vec::new(), Vec::new());
        let (mut release, mut settle) = (Vec::new(), Vec::new());
        for leased in &jobs {
            let of_kind = match leased.job.kind() {
                JobKind::Advance => &mut advance,
                JobKind::Send => &mut send,
                JobKind::Release => &mut release,
                JobKind::Settle => &mut settle,
            };
            of_kind.push(*leased);
        }
        // Sends keep their own permits, so that one slow response does not block the permits of the
        // others; so do the sends that follow at once from advanced enrollments.
        let for_sends = permits.as_mut().and_then(|permits| permits.split(send.len()));
        let for_advances = permits.as_mut().and_then(|permits| permits.split(advance.len()));
        tokio::join!(
            // Boxed: each future is several kilobytes, and most of them usually have nothing to do.
            Box::pin(self.run_or_requeue(advance.clone(), self.advance(advance, for_advances))),
            Box::pin(self.run_or_requeue(send.clone(), self.send(send, for_sends))),
            Box::pin(self.run_or_requeue(release.clone(), self.release(release))),
            Box::pin(self.run_or_requeue(settle.clone(), self.settle(settle))),
        );
        self.held_jobs.release(&jobs);
    }

    /// Runs the work on some jobs; if it fails or panics, they return to the queue.
    pub(super) async fn run_or_requeue(
        &self,
        jobs: Vec<Leased>,
        work: impl Future<Output = Result<(), PerformError>>,
    ) {
        if jobs.is_empty() {
            return;
        }
        let kind = jobs[0].job.kind();
        let error = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => PerformError::Panicked.to_string(),
        };
        tracing::warn!(
            %kind,
            jobs = jobs.len(),
            error,
            "jobs could not be done and go back to the queue"
        );
        let now = self.clock.now();
        let finishes: Vec<(JobId, Finish)> =
            jobs.iter().map(|leased| (leased.id, after_failure(leased, &error, now))).collect();
        until_written(|| async {
            let mut conn = self.db.get().await?;
            lease::finish(&mut conn, self.id, &finishes, now).await?;
            Ok(())
        })
        .await;
    }

    /// Returns one job to the queue after an error.
    pub(super) async fn requeue(&self, job: &Leased, error: &PerformError) {
        let now = self.clock.now();
        let finish: [(JobId, Finish); 1] = [(job.id, after_failure(job, &error.to_string(), now))];
        until_written(|| async {
            Ok(lease::finish(&mut *self.db.get().await?, self.id, &finish, now).await?)
        })
        .await;
        if !is_database_down(error) {
            tracing::warn!(
                kind = %job.job.kind(),
                subject = %job.job.subject(),
                %error,
                "a job could not be done and goes back to the queue"
            );
        }
    }

    /// The largest batch that is leased at once.
    pub(super) const fn batch_size() -> usize {
        BATCH
    }
}

/// How a failed job ends: it runs again later, or is left for an admin.
fn after_failure(job: &Leased, error: &str, now: DateTime<Utc>) -> Finish {
    // A sender's queue without a release job would stop for ever.
    if job.attempt >= MAX_ATTEMPTS && job.job.kind() != JobKind::Release {
        return Finish::Failed(error.to_owned());
    }
    Finish::Again(now + lease::backoff(job.attempt), Some(error.to_owned()))
}
