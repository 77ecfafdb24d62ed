//! Doing items one by one: what fails is set aside with its error, and the rest goes on.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures::FutureExt;

use super::error::{PerformError, is_away};
use crate::queue::routines;
use crate::queue::set_aside::{self, Item, Task};
use crate::worker::Worker;

/// How many items of a task are tried again in one run of its routine.
pub(super) const AGAIN: i64 = 200;

/// What is set aside of a task as a run of its routine begins.
pub(super) struct Aside {
    task: Task,
    known: HashSet<String>,
    begun_at: DateTime<Utc>,
}

impl Worker {
    /// Loads what is set aside of a task.
    pub(super) async fn aside(&self, task: Task) -> Result<Aside, PerformError> {
        let begun_at = self.clock.now();
        Ok(Aside {
            task,
            begun_at,
            known: set_aside::subjects(&mut *self.db.get().await?, task).await?,
        })
    }

    /// Takes note of how an item ended: one that failed by itself is set aside, and one that was
    /// set aside and is done is forgotten. An error that is not about the item, such as a database
    /// that is away, is returned.
    pub(super) async fn note<T>(
        &self,
        aside: &Aside,
        item: &Item,
        done: Result<T, PerformError>,
    ) -> Result<Option<T>, PerformError> {
        match done {
            Ok(done) => {
                if aside.has(&item.subject) {
                    self.forget(aside.task, &item.subject).await?;
                }
                Ok(Some(done))
            }
            Err(error) if is_of_one(&error) => {
                self.keep(item, &error).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets an item aside.
    pub(super) async fn keep(&self, item: &Item, error: &PerformError) -> Result<(), PerformError> {
        tracing::warn!(
            task = %item.task,
            subject = item.subject,
            %error,
            "an item could not be done and is set aside"
        );
        Ok(set_aside::keep(&mut *self.db.get().await?, item, &error.to_string(), self.clock.now())
            .await?)
    }

    /// Forgets an item that is done, or with which nothing is left to do.
    pub(super) async fn forget(&self, task: Task, subject: &str) -> Result<(), PerformError> {
        Ok(set_aside::forget(&mut *self.db.get().await?, task, &[subject.to_owned()]).await?)
    }

    /// Ends a run that has met all items of a task that there are.
    pub(super) async fn forget_unmet(&self, aside: &Aside) -> Result<(), PerformError> {
        if aside.known.is_empty() {
            return Ok(());
        }
        Ok(set_aside::forget_unmet(&mut *self.db.get().await?, aside.task, aside.begun_at).await?)
    }

    /// When a routine is due: at the usual time, or sooner where an item of these tasks is to be
    /// tried again.
    pub(super) async fn or_next_try(
        &self,
        usual: DateTime<Utc>,
        tasks: &[Task],
    ) -> Result<DateTime<Utc>, PerformError> {
        let next = set_aside::next_try(&mut *self.db.get().await?, tasks).await?;
        Ok(next.map_or(usual, |next| next.min(usual)))
    }
}

impl Aside {
    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What is.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(String::as_str)
    }

    /// Whether an item with this subject is set aside.
    pub(super) fn has(&self, subject: &str) -> bool {
        self.known.contains(subject)
    }
}

/// Does something with one item; a panic is an error of it.
pub(super) async fn guarded<T>(
    work: impl Future<Output = Result<T, PerformError>>,
) -> Result<T, PerformError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(PerformError::Panicked))
}

/// Whether an error says something about the item at hand. A database that is away, and a routine
/// that another worker has taken over, concern all.
pub(super) fn is_of_one(error: &PerformError) -> bool {
    !is_away(error)
        && !matches!(error, PerformError::Slice(error) if routines::is_taken_over(error))
}
