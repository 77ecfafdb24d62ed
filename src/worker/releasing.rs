//! Releasing: lets the queues of senders go on as their rates allow, each in a transaction of its
//! own.

use chrono::TimeDelta;
use diesel_async::AsyncConnection;

use super::error::PerformError;
use crate::messages::throttle::release::{self, Left};
use crate::queue::Job;
use crate::queue::lease::{self, Finish, Leased};
use crate::queue::set_aside::{self, Item, Task};
use crate::types::id::{MessageId, SenderId};
use crate::worker::Worker;
use crate::worker::set_aside::{AGAIN, guarded, is_of_one};

/// So many messages are released one by one in a run, where one of them cannot be.
const MAX_SINGLES: usize = 200;

/// Between two such runs.
const BETWEEN_SINGLES: TimeDelta = TimeDelta::seconds(1);

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

    /// Releases what fits now, together, or message by message where one of them cannot be
    /// released.
    async fn release_one(&self, job: &Leased, sender: SenderId) -> Result<(), PerformError> {
        match self.release_together(job, sender).await {
            Err(error) if is_of_one(&error) => {
                let left = self.release_one_by_one(sender).await?;
                let finish = [(job.id, finish(left))];
                Ok(lease::finish(&mut *self.db.get().await?, self.id, &finish, self.clock.now())
                    .await?)
            }
            done => done,
        }
    }

    async fn release_together(&self, job: &Leased, sender: SenderId) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let left = release::release(conn, sender, now).await?;
            lease::finish(conn, self.id, &[(job.id, finish(left))], now).await?;
            Ok(())
        })
        .await
    }

    /// Each in a transaction of its own; those that cannot be released are set aside, and left out
    /// until they are due.
    async fn release_one_by_one(&self, sender: SenderId) -> Result<Left, PerformError> {
        let now = self.clock.now();
        let aside = self.aside(Task::Release).await?;
        let due = set_aside::due(&mut *self.db.get().await?, Task::Release, now, AGAIN).await?;
        let is_due = |subject: &str| due.iter().any(|due| due.item.subject == subject);
        let mut left_out: Vec<MessageId> = aside
            .subjects()
            .filter(|subject| !is_due(subject))
            .filter_map(|subject| subject.parse().ok())
            .collect();
        for _ in 0..MAX_SINGLES {
            let Some(first) =
                release::first(&mut *self.db.get().await?, sender, &left_out, now).await?
            else {
                break;
            };
            let released = guarded(self.release_first(sender, &left_out)).await;
            match self.note(&aside, &Item::new(Task::Release, &first, None), released).await? {
                Some(Left::Nothing) => return Ok(Left::Nothing),
                // The rate allows no more now.
                Some(Left::More(at)) if at > now => return Ok(Left::More(at)),
                Some(Left::More(_)) => {}
                None => left_out.push(first),
            }
        }
        Ok(Left::More(now + BETWEEN_SINGLES))
    }

    async fn release_first(
        &self,
        sender: SenderId,
        left_out: &[MessageId],
    ) -> Result<Left, PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            Ok::<_, PerformError>(release::release_first(conn, sender, left_out, now).await?)
        })
        .await
    }
}

/// What becomes of a queue's job.
const fn finish(left: Left) -> Finish {
    match left {
        Left::Nothing => Finish::Done,
        Left::More(at) => Finish::Uncounted(at),
    }
}
