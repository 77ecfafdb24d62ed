//! [`SetAsideItems`]: an item that a routine fails to process is set aside with its error and
//! retried later, and the rest continues.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::Worker;
use super::error::{PerformError, concerns_one_item};
use crate::error::Error;
use crate::messages::message;
use crate::messages::throttle::release;
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::types::id::MessageId;

/// How many items of a task one run of its routine retries.
pub(super) const MAX_RETRIES: i64 = 200;

/// The items of a task that are set aside when a run of its routine begins.
pub(super) struct SetAsideItems {
    task: Task,
    subjects: HashSet<String>,
    started_at: DateTime<Utc>,
}

impl Worker {
    /// Loads the items of a task that are set aside.
    pub(super) async fn load_set_aside(&self, task: Task) -> Result<SetAsideItems, PerformError> {
        let started_at = self.clock.now();
        Ok(SetAsideItems {
            task,
            started_at,
            subjects: set_aside::subjects(&mut *self.db.get().await?, task).await?,
        })
    }

    /// Records the result of an item: sets it aside if it failed by itself, and clears it if it was
    /// set aside and succeeds. Returns an error that does not concern the item, such as an
    /// unavailable database.
    pub(super) async fn record_result<T>(
        &self,
        aside: &SetAsideItems,
        item: &TaskItem,
        result: Result<T, PerformError>,
    ) -> Result<Option<T>, PerformError> {
        match result {
            Ok(value) => {
                if aside.contains(&item.subject) {
                    self.clear_set_aside(aside.task, &item.subject).await?;
                }
                Ok(Some(value))
            }
            Err(error) if concerns_one_item(&error) => {
                self.set_aside(item, &error).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets an item aside.
    pub(super) async fn set_aside(
        &self,
        item: &TaskItem,
        error: &PerformError,
    ) -> Result<(), PerformError> {
        tracing::warn!(
            task = %item.task,
            subject = item.subject,
            %error,
            "an item could not be done and is set aside"
        );
        Ok(set_aside::record(
            &mut *self.db.get().await?,
            item,
            &error.to_string(),
            self.clock.now(),
        )
        .await?)
    }

    /// Clears an item that is done, or with which nothing is left to do.
    pub(super) async fn clear_set_aside(
        &self,
        task: Task,
        subject: &str,
    ) -> Result<(), PerformError> {
        Ok(set_aside::forget(&mut *self.db.get().await?, task, &[subject.to_owned()]).await?)
    }

    /// Clears the items that a run did not meet; call it at the end of a run that meets all items
    /// of its task.
    pub(super) async fn clear_unmet(&self, aside: &SetAsideItems) -> Result<(), PerformError> {
        if aside.subjects.is_empty() {
            return Ok(());
        }
        Ok(set_aside::forget_unmet(&mut *self.db.get().await?, aside.task, aside.started_at)
            .await?)
    }

    /// Clears items that were set aside by work that does not return to them, and that have
    /// succeeded since: messages that left the queue of their sender, or that an export can read.
    pub(super) async fn clear_resolved_items(&self) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        for task in [Task::Release, Task::Export] {
            for due in set_aside::due(&mut conn, task, now, MAX_RETRIES).await? {
                let Ok(id) = due.item.subject.parse::<MessageId>() else { continue };
                let stuck = match task {
                    Task::Release => {
                        release::is_waiting(&mut conn, id).await?.then(|| due.error.clone())
                    }
                    _ => match message::find(&mut conn, id).await {
                        Ok(_) | Err(Error::NotFound(_)) => None,
                        Err(error) => Some(error.to_string()),
                    },
                };
                match stuck {
                    Some(error) => set_aside::record(&mut conn, &due.item, &error, now).await?,
                    None => set_aside::forget(&mut conn, task, &[due.item.subject]).await?,
                }
            }
        }
        Ok(())
    }

    /// The time at which a routine is due: the usual time, or sooner if an item of these tasks is
    /// to be retried.
    pub(super) async fn or_next_retry(
        &self,
        usual: DateTime<Utc>,
        tasks: &[Task],
    ) -> Result<DateTime<Utc>, PerformError> {
        let next = set_aside::next_try(&mut *self.db.get().await?, tasks).await?;
        Ok(next.map_or(usual, |next| next.min(usual)))
    }
}

impl SetAsideItems {
    /// Whether no item is set aside.
    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// The subjects of the items.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(String::as_str)
    }

    /// Whether an item with this subject is set aside.
    pub(super) fn contains(&self, subject: &str) -> bool {
        self.subjects.contains(subject)
    }
}
