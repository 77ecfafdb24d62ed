//! Routines: periodic work that one worker at a time does for all; what each routine does, and how
//! often.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::join_all;

use super::Worker;
use super::error::{PerformError, is_database_down};
use super::running_routines::RoutineGuard;
use super::set_aside::{MAX_RETRIES, concerns_one_item};
use crate::db;
use crate::ledger;
use crate::queue::routines::{self, Routine, RoutineRun};
use crate::queue::set_aside::{self, Item, Task};
use crate::users::{log_in, sessions};

/// How often the ledger is folded. A reader of the ledger adds the rows that are not folded yet:
/// fewer are better, but it is not urgent.
const FOLD_INTERVAL: TimeDelta = TimeDelta::seconds(15);

/// How long a routine waits after a failure.
const ERROR_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// How many ended sessions are deleted one by one, if one of them fails.
const MAX_SESSIONS: i64 = 10_000;

impl Worker {
    /// Runs a routine, and returns when it is due again.
    ///
    /// It may be dropped at any await, so work belongs in transactions that also move the cursor
    /// ([`RoutineRun::save_cursor`]), if there is one.
    async fn run_routine(&self, run: &RoutineRun) -> Result<DateTime<Utc>, PerformError> {
        match run.routine {
            Routine::CollectInbound => self.collect_inbound(run).await,
            Routine::InspectConnections => self.inspect_connections().await,
            Routine::LearnPrices => self.learn_prices().await,
            Routine::LookUpStale => self.look_up_stale(run).await,
            Routine::EndSessions => self.end_sessions().await,
            Routine::FoldLedger => self.fold_ledger().await,
        }
    }

    /// Deletes the sessions that have ended, in one statement, or one by one if one of them fails.
    async fn end_sessions(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let deleted = sessions::forget_ended(&mut *self.db.get().await?, now)
            .await
            .map_err(PerformError::from);
        let aside = self.load_set_aside(Task::EndSession).await?;
        match deleted {
            Err(error) if concerns_one_item(&error) => {
                for id in sessions::ended(&mut *self.db.get().await?, now, MAX_SESSIONS).await? {
                    let deleted =
                        async { Ok(sessions::forget(&mut *self.db.get().await?, id).await?) };
                    self.record_result(
                        &aside,
                        &Item::new(Task::EndSession, &id, None),
                        deleted.await,
                    )
                    .await?;
                }
            }
            done => done?,
        }
        self.clear_unmet(&aside).await?;
        log_in::forget_old(&mut *self.db.get().await?, now).await?;
        self.or_next_retry(now + TimeDelta::hours(1), &[Task::EndSession]).await
    }

    /// Folds the changes of messages into the ledger, in one transaction, or in parts if a change
    /// fails. A change that is set aside stays unfolded until it is due; readers of the ledger
    /// still count it.
    async fn fold_ledger(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let aside = self.load_set_aside(Task::Fold).await?;
        if aside.is_empty() {
            let mut conn = self.db.get().await?;
            let folded = db::transaction(&mut conn, async |tx| ledger::fold(tx, now).await).await;
            drop(conn);
            match folded.map_err(PerformError::from) {
                Ok(folded) => {
                    return Ok(if folded == ledger::FOLD_LIMIT {
                        now
                    } else {
                        now + FOLD_INTERVAL
                    });
                }
                Err(error) if !concerns_one_item(&error) => return Err(error),
                Err(_) => {}
            }
        }
        let mut conn = self.db.get().await?;
        let due = set_aside::due(&mut conn, Task::Fold, now, MAX_RETRIES).await?;
        let due: HashSet<&str> = due.iter().map(|due| due.item.subject.as_str()).collect();
        let left_out: Vec<i64> = aside
            .subjects()
            .filter(|subject| !due.contains(subject))
            .filter_map(|subject| subject.parse().ok())
            .collect();
        let (folded, failed) = ledger::fold_each(&mut conn, &left_out, now).await?;
        drop(conn);
        tracing::info!(folded, failed = failed.len(), "the ledger was folded in parts");
        for (id, error) in failed {
            self.set_aside(&Item::new(Task::Fold, &id, None), &error.into()).await?;
        }
        // Changes that were due and did not fail are folded.
        self.clear_unmet(&aside).await?;
        self.or_next_retry(now + FOLD_INTERVAL, &[Task::Fold]).await
    }

    /// Runs the routines that are due and that no worker runs, concurrently, until all have ended.
    pub(super) async fn run_due_routines(&self) {
        let idle = RoutineGuard::all_idle(&self.running_routines);
        if idle.names.is_empty() {
            return;
        }
        let now = self.clock.now();
        let due = async {
            let mut conn = self.db.get().await?;
            Ok::<_, PerformError>(routines::take(&mut conn, self.id, &idle.names, now).await?)
        };
        let runs = match due.await {
            Ok(runs) => runs,
            Err(error) => {
                if !is_database_down(&error) {
                    tracing::warn!(%error, "cannot read which routines are due");
                }
                return;
            }
        };
        let guards = idle.only(&runs);
        join_all(runs.iter().zip(guards).map(async |(run, guard)| {
            // Boxed: the future of a routine can be several kilobytes.
            Box::pin(self.run_guarded(run)).await;
            drop(guard);
        }))
        .await;
    }

    async fn run_guarded(&self, run: &RoutineRun) {
        let ended = AssertUnwindSafe(self.run_routine(run)).catch_unwind().await;
        let now = self.clock.now();
        let (next, error) = match ended {
            Ok(Ok(next)) => (next, None),
            Ok(Err(error)) => (now + ERROR_PAUSE, Some(error.to_string())),
            Err(_) => (now + ERROR_PAUSE, Some("the worker panicked while it did this".to_owned())),
        };
        if let Some(error) = &error {
            tracing::warn!(
                routine = %run.routine,
                error,
                "a routine failed; it runs again in a minute"
            );
        }
        // If the end cannot be written, this worker finds the routine leased by itself at the next
        // tick, and restarts it.
        let written = async {
            let mut conn = self.db.get().await?;
            Ok::<_, PerformError>(run.end(&mut conn, next, error.as_deref(), now).await?)
        };
        if let Err(error) = written.await {
            tracing::warn!(
                routine = %run.routine,
                %error,
                "the end of a routine could not be written"
            );
        }
    }
}
