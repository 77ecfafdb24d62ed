//! Routines: runs the periodic work that is due, which one worker at a time does for all. The work
//! of each routine is in its own file.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::join_all;

use super::Worker;
use super::error::{PerformError, is_database_down};
use super::running_routines::RoutineGuard;
use crate::queue::routines::{self, Routine, RoutineRun};

/// How long a routine waits after a failure.
const ERROR_PAUSE: TimeDelta = TimeDelta::minutes(1);

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
