//! Advancing enrollments: one transaction for the whole batch, or one for each when the batch holds
//! one that cannot be done.

use std::collections::HashSet;

use diesel_async::AsyncConnection;
use tokio::sync::OwnedSemaphorePermit;

use super::error::{PerformError, is_away};
use crate::automations::advance;
use crate::fail_point::FailPoint;
use crate::messages::claim::Capacity;
use crate::messages::compose::{Composed, Sends};
use crate::queue::Job;
use crate::queue::lease::{self, Finish, JobId, Leased};
use crate::types::deadline::Deadline;
use crate::types::id::EnrollmentId;
use crate::worker::Worker;
use crate::worker::sending::{KeysByConnection, Sending};

/// What follows from enrollments that were advanced: this worker has the jobs.
#[derive(Default)]
struct Following {
    composed: Composed,
    keys: KeysByConnection,
}

impl Worker {
    /// Advances enrollments and goes on with the sends that follow, in the places of their jobs.
    pub(super) async fn advance(
        &self,
        jobs: Vec<Leased>,
        places: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PerformError> {
        let turn = self.advances.acquire().await;
        let mut reserved = self.windows.reserve(jobs.len());
        let room = reserved.room();
        let following = match self.advance_together(&jobs, &room).await {
            Ok(following) => following,
            Err(error) if !is_away(&error) => {
                // One of them cannot be done, or the keys cannot be used: what follows takes the
                // long way.
                let mut following = Following::default();
                for job in &jobs {
                    match self.advance_together(std::slice::from_ref(job), &Capacity::none()).await
                    {
                        Ok(one) => following.composed.jobs.extend(one.composed.jobs),
                        Err(error) => self.put_back(job, &error).await,
                    }
                }
                following
            }
            Err(error) => return Err(error),
        };
        drop(turn);
        let Following { composed, keys } = following;
        let sends: Vec<Leased> = composed.leased().copied().collect();
        let Composed { jobs, claimed, .. } = composed;
        // What goes wrong from here on is no reason to advance again.
        self.guarded(sends.clone(), async {
            let mut sending = Sending::new(places);
            let claimed =
                claimed.into_iter().map(|(job, claimed)| (self.enter_claimed(job), claimed));
            self.call_twilio(claimed, &keys, &mut reserved, &mut sending);
            drop(reserved);
            self.send_on(jobs, sending).await
        })
        .await;
        self.leases.release(&sends);
        Ok(())
    }

    async fn advance_together(
        &self,
        jobs: &[Leased],
        room: &Capacity,
    ) -> Result<Following, PerformError> {
        let ids: Vec<EnrollmentId> = jobs
            .iter()
            .filter_map(|leased| match leased.job {
                Job::Advance(id) => Some(id),
                Job::Send(_) | Job::Settle(_) | Job::Release(_) => None,
            })
            .collect();
        let ended: Vec<JobId> = jobs.iter().map(|leased| leased.id).collect();
        let now = self.clock.now();
        let sends = Sends::Worker { id: self.id, ended: &ended, room, judged_at: Deadline::now() };
        let mut conn = self.db.get().await?;
        let taking = self.leases.taking().await;
        let following = conn.transaction(async |conn| {
            let (_, composed) = advance::advance(conn, now, &ids, &self.renderer, sends).await?;
            let keys = self
                .keys(conn, composed.claimed.iter().map(|(_, claimed)| claimed.connection_id))
                .await?;
            let taken: HashSet<JobId> = composed.leased().map(|leased| leased.id).collect();
            let done: Vec<(JobId, Finish)> = ended
                .iter()
                .filter(|id| !taken.contains(id))
                .map(|id| (*id, Finish::Done))
                .collect();
            lease::finish(conn, self.id, &done, now).await?;
            Ok::<_, PerformError>(Following { composed, keys })
        });
        let following = following.await?;
        if !following.composed.claimed.is_empty() {
            FailPoint::Claimed.reach();
        }
        taking.hold(following.composed.leased());
        Ok(following)
    }
}
