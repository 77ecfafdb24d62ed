//! Releasing: lets the queues of senders go on as their rates allow, each in a transaction of its own.

use diesel_async::AsyncConnection;

use crate::{
    messages::throttle::release::{self, Left},
    queue::{
        Job,
        lease::{self, Finish, Leased},
    },
    types::id::SenderId,
    worker::{Worker, perform::PerformError},
};

impl Worker {
    pub(super) async fn release(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        for job in jobs {
            let Job::Release(sender) = job.job else { continue };
            if let Err(error) = self.release_one(&job, sender).await {
                self.put_back(&job, &error).await;
            }
        }
        Ok(())
    }

    async fn release_one(&self, job: &Leased, sender: SenderId) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let finish = match release::release(conn, sender, now).await? {
                Left::Nothing => Finish::Done,
                Left::More(at) => Finish::Uncounted(at),
            };
            lease::finish(conn, self.id, &[(job.id, finish)], now).await?;
            Ok(())
        })
        .await
    }
}
