//! Advancing enrollments: a batch in one transaction, or one by one if one of them fails.

use std::collections::HashSet;

use tokio::sync::OwnedSemaphorePermit;

use super::Worker;
use super::error::{PerformError, is_database_down};
use super::sending::{KeysByConnection, SendingBatch};
use crate::automations::advance;
use crate::db;
use crate::fail_point::FailPoint;
use crate::messages::claim::Capacity;
use crate::messages::compose::{Composed, SendBy};
use crate::queue::Job;
use crate::queue::lease::{self, Finish, JobId, Leased};
use crate::types::deadline::Deadline;
use crate::types::id::EnrollmentId;

/// What follows from advanced enrollments; this worker has leased the jobs.
#[derive(Default)]
struct Advanced {
    composed: Composed,
    keys: KeysByConnection,
}

impl Worker {
    /// Advances enrollments and starts the sends that follow, with the permits of their jobs.
    pub(super) async fn advance(
        &self,
        jobs: Vec<Leased>,
        permits: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PerformError> {
        let advance_permit = self.advance_permits.acquire().await;
        let mut reserved = self.concurrency_limits.reserve(jobs.len());
        let capacity = reserved.capacity();
        let advanced = match self.advance_together(&jobs, &capacity).await {
            Ok(advanced) => advanced,
            Err(error) if !is_database_down(&error) => {
                // One of them fails, or the keys are unusable: advance one by one, and claim on the
                // slow path.
                let mut advanced = Advanced::default();
                for job in &jobs {
                    match self.advance_together(std::slice::from_ref(job), &Capacity::none()).await
                    {
                        Ok(one) => advanced.composed.jobs.extend(one.composed.jobs),
                        Err(error) => self.requeue(job, &error).await,
                    }
                }
                advanced
            }
            Err(error) => return Err(error),
        };
        drop(advance_permit);
        let Advanced { composed, keys } = advanced;
        let sends: Vec<Leased> = composed.leased().copied().collect();
        let Composed { jobs, claimed, .. } = composed;
        // A failure from here on must not advance the enrollments again.
        self.run_or_requeue(sends.clone(), async {
            let mut sending = SendingBatch::new(permits);
            let claimed =
                claimed.into_iter().map(|(job, claimed)| (self.track_claimed(job), claimed));
            self.call_twilio(claimed, &keys, &mut reserved, &mut sending);
            drop(reserved);
            self.send_on(jobs, sending).await
        })
        .await;
        self.held_jobs.release(&sends);
        Ok(())
    }

    async fn advance_together(
        &self,
        jobs: &[Leased],
        capacity: &Capacity,
    ) -> Result<Advanced, PerformError> {
        let ids: Vec<EnrollmentId> = jobs
            .iter()
            .filter_map(|leased| match leased.job {
                Job::Advance(id) => Some(id),
                Job::Send(_) | Job::Settle(_) | Job::Release(_) => None,
            })
            .collect();
        let ended: Vec<JobId> = jobs.iter().map(|leased| leased.id).collect();
        let now = self.clock.now();
        let send_by = SendBy::ThisWorker {
            id: self.id,
            ended: &ended,
            capacity,
            checked_at: Deadline::now(),
        };
        let mut conn = self.db.get().await?;
        let lease_guard = self.held_jobs.begin_leasing().await;
        let advanced = db::transaction(&mut conn, async |tx| {
            let (_, composed, mut closing) =
                advance::advance(tx, now, &ids, &self.renderer, send_by).await?;
            let conn = closing.without_waiting();
            let keys = self
                .keys(conn, composed.claimed.iter().map(|(_, claimed)| claimed.connection_id))
                .await?;
            let reused: HashSet<JobId> = composed.leased().map(|leased| leased.id).collect();
            let done: Vec<(JobId, Finish)> = ended
                .iter()
                .filter(|id| !reused.contains(id))
                .map(|id| (*id, Finish::Done))
                .collect();
            lease::finish(conn, self.id, &done, now).await?;
            Ok::<_, PerformError>(Advanced { composed, keys })
        });
        let advanced = advanced.await?;
        if !advanced.composed.claimed.is_empty() {
            FailPoint::Claimed.reach();
        }
        lease_guard.hold(advanced.composed.leased());
        Ok(advanced)
    }
}
