//! Routines: periodic work that runs once over all workers; what each does and how often.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::FutureExt;
use futures::future::join_all;

use super::Worker;
use super::error::{PerformError, is_away};
use super::running_routines::RoutineGuard;
use super::set_aside::{AGAIN, is_of_one};
use crate::error::Error;
use crate::ledger;
use crate::queue::routines::{self, Routine, Turn};
use crate::queue::set_aside::{self, Item, Task};
use crate::users::{log_in, sessions};

/// Whoever reads the ledger adds what is not folded yet: the fewer rows the better, but there is no
/// hurry.
const FOLD_EVERY: TimeDelta = TimeDelta::seconds(15);

/// How long a routine that failed waits for its next run.
const AFTER_ERROR: TimeDelta = TimeDelta::minutes(1);

/// So many sessions are looked at where one of them cannot be forgotten.
const MAX_SESSIONS: i64 = 10_000;

impl Worker {
    /// Does what a routine is there for and returns when it is due again.
    ///
    /// It may be dropped at any await: work goes into transactions that also move the cursor
    /// ([`Turn::keep`]), where there is one.
    async fn run_routine(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        match turn.routine {
            Routine::CollectInbound => self.collect_inbound(turn).await,
            Routine::InspectConnections => self.inspect_connections().await,
            Routine::LearnPrices => self.learn_prices().await,
            Routine::LookUpStale => self.look_up_stale(turn).await,
            Routine::EndSessions => self.end_sessions().await,
            Routine::FoldLedger => self.fold_ledger().await,
        }
    }

    /// Forgets the sessions that have ended, together, or one by one where one of them cannot be
    /// forgotten.
    async fn end_sessions(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let forgotten = sessions::forget_ended(&mut *self.db.get().await?, now)
            .await
            .map_err(PerformError::from);
        let aside = self.aside(Task::EndSession).await?;
        match forgotten {
            Err(error) if is_of_one(&error) => {
                for id in sessions::ended(&mut *self.db.get().await?, now, MAX_SESSIONS).await? {
                    let forgotten =
                        async { Ok(sessions::forget(&mut *self.db.get().await?, id).await?) };
                    self.note(&aside, &Item::new(Task::EndSession, &id, None), forgotten.await)
                        .await?;
                }
            }
            done => done?,
        }
        self.forget_unmet(&aside).await?;
        log_in::forget_old(&mut *self.db.get().await?, now).await?;
        self.or_next_try(now + TimeDelta::hours(1), &[Task::EndSession]).await
    }

    /// Folds what messages have changed, together, or in parts where a change cannot be folded.
    /// What is set aside stays out until it is due: it is counted by who reads the ledger.
    async fn fold_ledger(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let aside = self.aside(Task::Fold).await?;
        if aside.is_empty() {
            let folded = self
                .db
                .get()
                .await?
                .transaction::<_, Error, _>(async |conn| ledger::fold(conn, now).await)
                .await;
            match folded.map_err(PerformError::from) {
                Ok(folded) => {
                    return Ok(if folded == ledger::FOLD { now } else { now + FOLD_EVERY });
                }
                Err(error) if !is_of_one(&error) => return Err(error),
                Err(_) => {}
            }
        }
        let mut conn = self.db.get().await?;
        let due = set_aside::due(&mut conn, Task::Fold, now, AGAIN).await?;
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
            self.keep(&Item::new(Task::Fold, &id, None), &error.into()).await?;
        }
        // What was due and did not fail is folded.
        self.forget_unmet(&aside).await?;
        self.or_next_try(now + FOLD_EVERY, &[Task::Fold]).await
    }

    /// Runs the routines that are due and that no worker runs, side by side, until all have ended.
    pub(super) async fn run_due_routines(&self) {
        let idle = RoutineGuard::all_idle(&self.routines);
        if idle.names.is_empty() {
            return;
        }
        let now = self.clock.now();
        let taken = async {
            let mut conn = self.db.get().await?;
            Ok::<_, PerformError>(routines::take(&mut conn, self.id, &idle.names, now).await?)
        };
        let turns = match taken.await {
            Ok(turns) => turns,
            Err(error) => {
                if !is_away(&error) {
                    tracing::warn!(%error, "cannot look which routines are due");
                }
                return;
            }
        };
        let mine = idle.only(&turns);
        join_all(turns.iter().zip(mine).map(async |(turn, entered)| {
            // Boxed: a routine can be several kilobytes of questions.
            Box::pin(self.run_guarded(turn)).await;
            drop(entered);
        }))
        .await;
    }

    async fn run_guarded(&self, turn: &Turn) {
        let ended = AssertUnwindSafe(self.run_routine(turn)).catch_unwind().await;
        let now = self.clock.now();
        let (next, error) = match ended {
            Ok(Ok(next)) => (next, None),
            Ok(Err(error)) => (now + AFTER_ERROR, Some(error.to_string())),
            Err(_) => (now + AFTER_ERROR, Some("the worker panicked while it did this".to_owned())),
        };
        if let Some(error) = &error {
            tracing::warn!(
                routine = %turn.routine,
                error,
                "a routine failed; it runs again in a minute"
            );
        }
        // Where the end cannot be written, this worker finds the routine in its own name at the
        // next look, and begins anew.
        let written = async {
            let mut conn = self.db.get().await?;
            Ok::<_, PerformError>(turn.end(&mut conn, next, error.as_deref(), now).await?)
        };
        if let Err(error) = written.await {
            tracing::warn!(
                routine = %turn.routine,
                %error,
                "the end of a routine could not be written"
            );
        }
    }
}
