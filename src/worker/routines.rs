//! Routines: periodic work that runs once over all workers; what each does and how often.

use std::{collections::HashSet, panic::AssertUnwindSafe, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{FutureExt, future::join_all};
use parking_lot::Mutex;

use crate::{
    error::Error,
    messages::ledger,
    queue::routines::{self, Routine, Turn},
    users::sessions,
    worker::{
        Worker,
        perform::{PerformError, is_away},
    },
};

/// Whoever reads the ledger adds what is not folded yet: the fewer rows the better, but there is no hurry.
const FOLD_EVERY: TimeDelta = TimeDelta::seconds(15);

/// How long a routine that failed waits for its next run.
const AFTER_ERROR: TimeDelta = TimeDelta::minutes(1);

/// The routines that this process runs right now.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashSet<Routine>>>);

impl Worker {
    /// Does what a routine is there for and returns when it is due again.
    ///
    /// It may be dropped at any await: work goes into transactions that also move the cursor ([`Turn::keep`]), where there is one.
    async fn run_routine(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        match turn.routine {
            Routine::CollectInbound => self.collect_inbound(turn).await,
            Routine::InspectConnections => self.inspect_connections().await,
            Routine::LearnPrices => self.learn_prices().await,
            Routine::LookUpStale => self.look_up_stale(turn).await,
            Routine::EndSessions => {
                let now = self.clock.now();
                sessions::forget_ended(&mut *self.db.get().await?, now).await?;
                Ok(now + TimeDelta::hours(1))
            }
            Routine::FoldLedger => {
                let now = self.clock.now();
                let mut conn = self.db.get().await?;
                let folded = conn.transaction::<_, Error, _>(async |conn| ledger::fold(conn, now).await).await?;
                Ok(if folded == ledger::FOLD { now } else { now + FOLD_EVERY })
            }
        }
    }

    /// Runs the routines that are due and that no worker runs, side by side, until all have ended.
    pub(super) async fn run_due_routines(&self) {
        let idle = Entered::all_idle(&self.routines);
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
            tracing::warn!(routine = %turn.routine, error, "a routine failed; it runs again in a minute");
        }
        // Where the end cannot be written, this worker finds the routine in its own name at the next look, and begins anew.
        let written = async {
            let mut conn = self.db.get().await?;
            Ok::<_, PerformError>(turn.end(&mut conn, next, error.as_deref(), now).await?)
        };
        if let Err(error) = written.await {
            tracing::warn!(routine = %turn.routine, %error, "the end of a routine could not be written");
        }
    }
}

/// Routines that are noted as running in this process, however that ends.
struct Entered {
    running: Running,
    names: Vec<Routine>,
}

impl Entered {
    /// Notes all that are not running, so that two looks at the same time do not take the same one.
    fn all_idle(running: &Running) -> Self {
        let mut set = running.0.lock();
        let names = Routine::ALL.iter().copied().filter(|routine| set.insert(*routine)).collect();
        Self { running: running.clone(), names }
    }

    /// Keeps those that were taken, each by itself; the others are idle again.
    fn only(mut self, turns: &[Turn]) -> Vec<Self> {
        let taken: Vec<Self> = turns.iter().map(|turn| Self { running: self.running.clone(), names: vec![turn.routine] }).collect();
        self.names.retain(|routine| turns.iter().all(|turn| turn.routine != *routine));
        taken
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut set = self.running.0.lock();
        for routine in &self.names {
            set.remove(routine);
        }
    }
}
