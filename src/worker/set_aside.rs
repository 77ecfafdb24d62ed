//! Processing items one by one: an item that fails is set aside with its error, and the rest
//! continues.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures::FutureExt;

use super::error::{PerformError, is_database_down};
use crate::queue::routines;
use crate::queue::set_aside::{self, Item, Task};
use crate::worker::Worker;

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
        item: &Item,
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
        item: &Item,
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

/// Runs the work on one item, and turns a panic into an error.
pub(super) async fn catch_panic<T>(
    work: impl Future<Output = Result<T, PerformError>>,
) -> Result<T, PerformError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(PerformError::Panicked))
}

/// Whether an error concerns only the item at hand. An unavailable database concerns all, and so
/// does a routine that another worker took over.
pub(super) fn concerns_one_item(error: &PerformError) -> bool {
    !is_database_down(error)
        && !matches!(error, PerformError::Slice(error) if routines::is_taken_over(error))
}
