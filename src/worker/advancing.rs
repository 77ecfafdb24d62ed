//! Advancing enrollments: one transaction for the whole batch, or one for each when the batch holds one that cannot be done.

use diesel_async::AsyncConnection;

use crate::{
    automations::advance,
    queue::{
        Job,
        lease::{self, Finish, JobId, Leased},
    },
    types::id::EnrollmentId,
    worker::{
        Worker,
        perform::{PerformError, is_away},
    },
};

impl Worker {
    pub(super) async fn advance(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        match self.advance_together(&jobs).await {
            Err(error) if jobs.len() > 1 && !is_away(&error) => {
                for job in &jobs {
                    if let Err(error) = self.advance_together(std::slice::from_ref(job)).await {
                        self.put_back(job, &error).await;
                    }
                }
                Ok(())
            }
            result => result,
        }
    }

    async fn advance_together(&self, jobs: &[Leased]) -> Result<(), PerformError> {
        let ids: Vec<EnrollmentId> = jobs
            .iter()
            .filter_map(|leased| match leased.job {
                Job::Advance(id) => Some(id),
                Job::Send(_) | Job::Settle(_) => None,
            })
            .collect();
        let done: Vec<(JobId, Finish)> = jobs.iter().map(|leased| (leased.id, Finish::Done)).collect();
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            advance::advance(conn, now, &ids, &self.renderer).await?;
            lease::finish(conn, &done, now).await?;
            Ok(())
        })
        .await
    }
}
