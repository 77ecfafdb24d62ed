//! Periodic work that runs once, however many workers there are: who runs which routine, and how
//! far it has come.
//!
//! A new routine is a variant of [`Routine`], a row that its migration inserts into `routines`, and
//! an arm in `worker/routines.rs`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::Conn;
use crate::db::schema::{routines, workers};
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::WorkerId;
use crate::types::text_enum::text_enum;

text_enum! {
    /// A piece of work that is done again and again.
    pub enum Routine {
        /// Asks Twilio for inbound messages whose webhooks did not come.
        CollectInbound = "collect_inbound",
        /// Forgets the sessions of browsers that have ended by themselves.
        EndSessions = "end_sessions",
        /// Asks Twilio whether webhooks and registrations are as they should be.
        InspectConnections = "inspect_connections",
        /// Folds what messages have changed into the ledger.
        FoldLedger = "fold_ledger",
        /// Asks Twilio what the newest messages have cost.
        LearnPrices = "learn_prices",
        /// Asks Twilio what became of messages whose callbacks did not come.
        LookUpStale = "look_up_stale",
    }
}

/// What [`Turn::keep`] says when another worker runs the routine now.
const TAKEN_OVER: &str = "Another worker has taken this routine over.";

/// Whether an error says that another worker has taken the routine over.
#[must_use]
pub fn is_taken_over(error: &Error) -> bool {
    matches!(error, Error::Refused(reason) if reason == TAKEN_OVER)
}

/// A routine that one worker runs now, and no other.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What to do.
    pub routine: Routine,
    /// Who does it.
    pub worker: WorkerId,
    cursor: Option<Value>,
}

/// How a routine stands, for an admin.
#[derive(Debug, Clone, Queryable)]
pub struct RoutineStanding {
    /// Which.
    pub routine: Routine,
    /// When it is due, or was.
    pub due_at: DateTime<Utc>,
    /// When it last ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the last run failed.
    pub error: Option<String>,
    /// When the first of the runs ended that have failed since the last good one.
    pub failing_since: Option<DateTime<Utc>>,
    /// The machine and the process that run it now.
    pub run_by: Option<(String, i32)>,
}

/// How each routine stands, in the order of their names.
pub async fn standings(conn: &mut Conn) -> Result<Vec<RoutineStanding>> {
    let columns = (
        routines::name,
        routines::due_at,
        routines::ended_at,
        routines::error,
        routines::failing_since,
        (workers::host, workers::pid).nullable(),
    );
    // A newer version may know more.
    let known = routines::table
        .left_join(workers::table.on(routines::worker_id.eq(workers::id.nullable())))
        .filter(routines::name.eq_any(Routine::ALL))
        .order(routines::name);
    Ok(known.select(columns).load(conn).await?)
}

statement! {
    /// Ends a run.
    struct End<'a> {
        routine: Routine => Text,
        worker: WorkerId => SqlUuid,
        next: DateTime<Utc> => Timestamptz,
        error: Option<&'a str> => Nullable<Text>,
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "UPDATE routines
     SET worker_id = NULL, due_at = {next}, runs = runs + 1, ended_at = {now}, error = {error},
         failing_since = CASE WHEN {error} IS NOT NULL THEN coalesce(failing_since, {now}) END
     WHERE name = {routine} AND worker_id = {worker}"
}

statement! {
    /// Takes the routines that are due and that nobody runs who is alive.
    struct Take<'a> {
        worker: WorkerId => SqlUuid,
        names: &'a [Routine] => Array<Text>,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (Text, Nullable<Jsonb>);
    "UPDATE routines SET worker_id = {worker}
     WHERE name = ANY ({names}) AND due_at <= {now}
       AND (worker_id IS NULL OR worker_id = {worker}
            OR NOT EXISTS (SELECT FROM workers WHERE workers.id = routines.worker_id))
     RETURNING name, cursor"
}

/// Takes those of some routines that are due; the worker must not be running any of them, and must
/// have given a sign of life.
pub async fn take(
    conn: &mut Conn,
    worker: WorkerId,
    of: &[Routine],
    now: DateTime<Utc>,
) -> Result<Vec<Turn>> {
    let taken: Vec<(Routine, Option<Value>)> = Take { worker, names: of, now }.load(conn).await?;
    Ok(taken.into_iter().map(|(routine, cursor)| Turn { routine, worker, cursor }).collect())
}

/// Makes a routine due now, if nobody is at it.
pub async fn hasten(conn: &mut Conn, routine: Routine, now: DateTime<Utc>) -> Result<()> {
    diesel::update(routines::table.find(routine).filter(routines::due_at.gt(now)))
        .set(routines::due_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

impl Turn {
    /// How far the routine has come; the default before its first run, and when another version has
    /// left something that cannot be read.
    #[must_use]
    pub fn cursor<T: DeserializeOwned + Default>(&self) -> T {
        self.cursor
            .clone()
            .and_then(|cursor| serde_json::from_value(cursor).ok())
            .unwrap_or_default()
    }

    /// Notes how far the routine has come, in the transaction of the work; an error, so that the
    /// work is undone, when another worker has taken the routine over meanwhile.
    pub async fn keep(&self, conn: &mut Conn, cursor: &impl Serialize) -> Result<()> {
        let cursor =
            serde_json::to_value(cursor).map_err(|error| Error::Internal(error.to_string()))?;
        let kept = diesel::update(
            routines::table.find(self.routine).filter(routines::worker_id.eq(self.worker.0)),
        )
        .set(routines::cursor.eq(cursor))
        .execute(conn)
        .await?;
        if kept == 0 {
            return Err(Error::Refused(TAKEN_OVER.to_owned()));
        }
        Ok(())
    }

    /// Ends the run; the routine is due again at `next`, for whichever worker is first. `error`
    /// says why it could not do all.
    pub async fn end(
        &self,
        conn: &mut Conn,
        next: DateTime<Utc>,
        error: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        End { routine: self.routine, worker: self.worker, next, error, now }.execute(conn).await?;
        Ok(())
    }
}
