//! Releasing queues: lets the queues of senders continue as their rates allow, each in its own
//! transaction.

use chrono::TimeDelta;

use super::Worker;
use super::error::{PerformError, catch_panic, concerns_one_item};
use super::set_aside_items::MAX_RETRIES;
use crate::db;
use crate::messages::throttle::release::{self, ReleaseOutcome};
use crate::queue::Job;
use crate::queue::lease::{self, Finish, Leased};
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::types::id::{MessageId, SenderId};

/// How many messages a run releases one by one, when one of them fails.
const MAX_SINGLES: usize = 200;

/// The time between two such runs.
const SINGLES_PAUSE: TimeDelta = TimeDelta::seconds(1);

impl Worker {
    pub(super) async fn release(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        for job in jobs {
            let Job::Release(sender) = job.job else { continue };
            if let Err(error) = self.release_one(&job, sender).await {
                self.requeue(&job, &error).await;
            }
        }
        Ok(())
    }

    /// Releases what fits now in one transaction, or message by message if one of them fails.
    async fn release_one(&self, job: &Leased, sender: SenderId) -> Result<(), PerformError> {
        match self.release_together(job, sender).await {
            Err(error) if concerns_one_item(&error) => {
                let outcome = self.release_one_by_one(sender).await?;
                let finish = [(job.id, finish(outcome))];
                Ok(lease::finish(&mut *self.db.get().await?, self.id, &finish, self.clock.now())
                    .await?)
            }
            done => done,
        }
    }

    async fn release_together(&self, job: &Leased, sender: SenderId) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        db::transaction(&mut conn, async |tx| {
            let mut closing = tx.open().close();
            let outcome = release::release_fitting(&mut closing, sender, now).await?;
            let finish = [(job.id, finish(outcome))];
            lease::finish(closing.without_waiting(), self.id, &finish, now).await?;
            Ok(())
        })
        .await
    }

    /// Releases messages in separate transactions; those that fail are set aside, and left out
    /// until they are due.
    async fn release_one_by_one(&self, sender: SenderId) -> Result<ReleaseOutcome, PerformError> {
        let now = self.clock.now();
        let aside = self.load_set_aside(Task::Release).await?;
        let due =
            set_aside::due(&mut *self.db.get().await?, Task::Release, now, MAX_RETRIES).await?;
        let is_due = |subject: &str| due.iter().any(|due| due.item.subject == subject);
        let mut left_out: Vec<MessageId> = aside
            .subjects()
            .filter(|subject| !is_due(subject))
            .filter_map(|subject| subject.parse().ok())
            .collect();
        for _ in 0..MAX_SINGLES {
            let Some(first) =
                release::next_message(&mut *self.db.get().await?, sender, &left_out, now).await?
            else {
                break;
            };
            let released = catch_panic(self.release_first(sender, &left_out)).await;
            match self
                .record_result(&aside, &TaskItem::new(Task::Release, &first, None), released)
                .await?
            {
                Some(ReleaseOutcome::Done) => return Ok(ReleaseOutcome::Done),
                // The rate allows no more now.
                Some(ReleaseOutcome::MoreAt(at)) if at > now => {
                    return Ok(ReleaseOutcome::MoreAt(at));
                }
                Some(ReleaseOutcome::MoreAt(_)) => {}
                None => left_out.push(first),
            }
        }
        Ok(ReleaseOutcome::MoreAt(now + SINGLES_PAUSE))
    }

    async fn release_first(
        &self,
        sender: SenderId,
        left_out: &[MessageId],
    ) -> Result<ReleaseOutcome, PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        db::transaction(&mut conn, async |tx| {
            let mut closing = tx.open().close();
            Ok(release::release_first(&mut closing, sender, left_out, now).await?)
        })
        .await
    }
}

/// How the job of a queue ends.
const fn finish(outcome: ReleaseOutcome) -> Finish {
    match outcome {
        ReleaseOutcome::Done => Finish::Done,
        ReleaseOutcome::MoreAt(at) => Finish::Uncounted(at),
    }
}
