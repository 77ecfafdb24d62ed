//! Advancing enrollments: one transaction for the whole batch, or one for each when the batch holds one that cannot be done.

use diesel_async::AsyncConnection;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    automations::advance,
    queue::{
        Job, Receiver,
        lease::{self, Finish, JobId, Leased},
    },
    types::id::EnrollmentId,
    worker::{
        Worker,
        perform::{PerformError, is_away},
    },
};

impl Worker {
    /// Advances enrollments and goes on with the sends that follow, in the places of their jobs.
    pub(super) async fn advance(&self, jobs: Vec<Leased>, places: Option<OwnedSemaphorePermit>) -> Result<(), PerformError> {
        let sends = match self.advance_together(&jobs).await {
            Ok(sends) => sends,
            Err(error) if jobs.len() > 1 && !is_away(&error) => {
                let mut sends = Vec::new();
                for job in &jobs {
                    match self.advance_together(std::slice::from_ref(job)).await {
                        Ok(following) => sends.extend(following),
                        Err(error) => self.put_back(job, &error).await,
                    }
                }
                sends
            }
            Err(error) => return Err(error),
        };
        // What goes wrong from here on is no reason to advance again.
        self.guarded(sends.clone(), self.send(sends.clone(), places)).await;
        self.leases.release(&sends);
        Ok(())
    }

    /// Returns the sends that follow: this worker has them already.
    async fn advance_together(&self, jobs: &[Leased]) -> Result<Vec<Leased>, PerformError> {
        let ids: Vec<EnrollmentId> = jobs
            .iter()
            .filter_map(|leased| match leased.job {
                Job::Advance(id) => Some(id),
                Job::Send(_) | Job::Settle(_) | Job::Release(_) => None,
            })
            .collect();
        let done: Vec<(JobId, Finish)> = jobs.iter().map(|leased| (leased.id, Finish::Done)).collect();
        let now = self.clock.now();
        let sends = Receiver::Worker { id: self.id, most: jobs.len() };
        let mut conn = self.db.get().await?;
        let taking = self.leases.taking().await;
        let sends = conn.transaction(async |conn| {
            let (_, sends) = advance::advance(conn, now, &ids, &self.renderer, sends).await?;
            lease::finish(conn, &done, now).await?;
            Ok::<_, PerformError>(sends)
        });
        let sends = sends.await?;
        taking.hold(&sends);
        Ok(sends)
    }
}
