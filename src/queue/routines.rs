//! Routines: periodic work that one worker at a time does for all. Each has a schedule, a cursor
//! and the result of its last run.
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
    /// A kind of periodic work.
    pub enum Routine {
        /// Polls Twilio for inbound messages whose webhooks did not arrive.
        CollectInbound = "collect_inbound",
        /// Deletes browser sessions that have expired.
        EndSessions = "end_sessions",
        /// Checks at Twilio whether webhooks and registrations are set up correctly.
        InspectConnections = "inspect_connections",
        /// Folds pending changes into the ledger.
        FoldLedger = "fold_ledger",
        /// Fetches from Twilio what the newest messages cost.
        LearnPrices = "learn_prices",
        /// Looks up at Twilio the status of messages whose callbacks did not arrive.
        LookUpStale = "look_up_stale",
    }
}

/// The error of [`RoutineRun::save_cursor`] when another worker has taken the routine over.
const TAKEN_OVER: &str = "Another worker has taken this routine over.";

/// Whether an error says that another worker has taken the routine over.
#[must_use]
pub fn is_taken_over(error: &Error) -> bool {
    matches!(error, Error::Refused(reason) if reason == TAKEN_OVER)
}

/// A run of a routine, which one worker holds exclusively.
#[derive(Debug, Clone)]
pub struct RoutineRun {
    /// The routine.
    pub routine: Routine,
    /// The worker that runs it.
    pub worker: WorkerId,
    cursor: Option<Value>,
}

/// The status of a routine, for admins.
#[derive(Debug, Clone, Queryable)]
pub struct RoutineStatus {
    /// The routine.
    pub routine: Routine,
    /// When it is or was due.
    pub due_at: DateTime<Utc>,
    /// When it last ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The error of the last run, if it failed.
    pub error: Option<String>,
    /// When the first of the current series of failed runs ended.
    pub failing_since: Option<DateTime<Utc>>,
    /// The host name and process id of the worker that runs it now.
    pub run_by: Option<(String, i32)>,
}

/// The status of each routine, in the order of their names.
pub async fn statuses(conn: &mut Conn) -> Result<Vec<RoutineStatus>> {
    let columns = (
        routines::name,
        routines::due_at,
        routines::ended_at,
        routines::error,
        routines::failing_since,
        (workers::host, workers::pid).nullable(),
    );
    // A newer version may have stored routines that this one does not know.
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
    /// Takes the due routines that no live worker runs.
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

/// Takes those of these routines that are due. The worker must not be running any of them, and must
/// be registered by a heartbeat.
pub async fn take(
    conn: &mut Conn,
    worker: WorkerId,
    of: &[Routine],
    now: DateTime<Utc>,
) -> Result<Vec<RoutineRun>> {
    let taken: Vec<(Routine, Option<Value>)> = Take { worker, names: of, now }.load(conn).await?;
    Ok(taken.into_iter().map(|(routine, cursor)| RoutineRun { routine, worker, cursor }).collect())
}

/// Makes a routine due now, unless it is due or running already.
pub async fn make_due(conn: &mut Conn, routine: Routine, now: DateTime<Utc>) -> Result<()> {
    diesel::update(routines::table.find(routine).filter(routines::due_at.gt(now)))
        .set(routines::due_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

impl RoutineRun {
    /// The routine's saved progress; the default before its first run, and if another version
    /// stored a cursor that this one cannot read.
    #[must_use]
    pub fn cursor<T: DeserializeOwned + Default>(&self) -> T {
        self.cursor
            .clone()
            .and_then(|cursor| serde_json::from_value(cursor).ok())
            .unwrap_or_default()
    }

    /// Saves the routine's progress in the transaction of the work. Fails if another worker has
    /// taken the routine over since, so that the work is rolled back.
    pub async fn save_cursor(&self, conn: &mut Conn, cursor: &impl Serialize) -> Result<()> {
        let cursor =
            serde_json::to_value(cursor).map_err(|error| Error::Internal(error.to_string()))?;
        let updated = diesel::update(
            routines::table.find(self.routine).filter(routines::worker_id.eq(self.worker.0)),
        )
        .set(routines::cursor.eq(cursor))
        .execute(conn)
        .await?;
        if updated == 0 {
            return Err(Error::Refused(TAKEN_OVER.to_owned()));
        }
        Ok(())
    }

    /// Ends the run; the routine is due again at `next`, for any worker. `error` says why it did
    /// not do everything.
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
