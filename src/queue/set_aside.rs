//! Items that a routine failed to process: they are set aside with their error and retried with
//! exponential backoff, while the routine does the rest.
//!
//! One bad item never stops a routine. A routine whose batch fails processes it item by item,
//! records the failures here, and polls this table for items that are due again. Jobs need no row
//! here: each has its own error and schedule.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;

use super::routines::{self, Routine};
use crate::db::Conn;
use crate::db::schema::set_aside;
use crate::error::{Error, Result};
use crate::types::id::ConnectionId;
use crate::types::text_enum::text_enum;

/// The highest number of items that [`count`] counts exactly.
pub const MAX_COUNTED: i64 = 10_000;

/// The delay after an item's first failure; each further failure doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// The longest delay between two tries.
const MAX_WAIT: TimeDelta = TimeDelta::hours(6);

/// The length to which stored errors are cut, in characters.
const MAX_ERROR_LENGTH: usize = 500;

text_enum! {
    /// The kind of work that failed.
    pub enum Task {
        /// Store an inbound message that was found at Twilio; the subject is its SID.
        TakeIn = "take_in",
        /// List the inbound messages of a sender; the subject is its id.
        ListInbound = "list_inbound",
        /// Look up the status of a message; the subject is its id.
        LookUp = "look_up",
        /// Inspect a connection; the subject is its id.
        Inspect = "inspect",
        /// Learn the prices of a connection's messages; the subject is its id, followed by the
        /// country if storing that country's prices failed.
        LearnPrices = "learn_prices",
        /// Fold a change into the ledger; the subject is the change's id.
        Fold = "fold",
        /// Release a message from its sender's queue; the subject is its id.
        Release = "release",
        /// Delete a session that has ended; the subject is its id.
        EndSession = "end_session",
        /// Write a message to an export; the subject is its id.
        Export = "export",
    }
}

/// An item that a routine failed to process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskItem {
    /// The kind of work.
    pub task: Task,
    /// What the work is about, as [`Task`] says.
    pub subject: String,
    /// The connection that it belongs to, if any.
    pub connection: Option<ConnectionId>,
}

/// An item that is set aside.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// Its row.
    pub id: i64,
    /// The item.
    pub item: TaskItem,
    /// Its latest error.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it first failed.
    pub first_at: DateTime<Utc>,
    /// When it last failed.
    pub last_at: DateTime<Utc>,
    /// When it is tried next.
    pub next_try_at: DateTime<Utc>,
}

type Row = (
    i64,
    Task,
    String,
    Option<ConnectionId>,
    String,
    i32,
    (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
);

impl TaskItem {
    /// Creates an item.
    pub fn new(
        task: Task,
        subject: &(impl ToString + ?Sized),
        connection: Option<ConnectionId>,
    ) -> Self {
        Self { task, subject: subject.to_string(), connection }
    }
}

impl Task {
    /// The routine that retries it.
    #[must_use]
    pub const fn routine(self) -> Routine {
        match self {
            Self::TakeIn | Self::ListInbound => Routine::CollectInbound,
            Self::LookUp | Self::Release | Self::Export => Routine::LookUpStale,
            Self::Inspect => Routine::InspectConnections,
            Self::LearnPrices => Routine::LearnPrices,
            Self::Fold => Routine::FoldLedger,
            Self::EndSession => Routine::EndSessions,
        }
    }
}

impl From<Row> for SetAside {
    fn from(
        (id, task, subject, connection, error, attempts, (first_at, last_at, next_try_at)): Row,
    ) -> Self {
        Self {
            id,
            item: TaskItem { task, subject, connection },
            error,
            attempts,
            first_at,
            last_at,
            next_try_at,
        }
    }
}

/// The delay of an item after this many failures: 1 minute, 2, 4, … up to 6 hours.
#[must_use]
pub fn backoff(failures: i32) -> TimeDelta {
    (FIRST_WAIT * (1 << (failures.clamp(1, 10) - 1))).min(MAX_WAIT)
}

/// Sets an item aside, or records another failure of one that is set aside already.
pub async fn record(
    conn: &mut Conn,
    item: &TaskItem,
    error: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let known = set_aside::table
        .filter(set_aside::kind.eq(item.task))
        .filter(set_aside::subject.eq(&item.subject));
    let failures: Option<i32> = known.select(set_aside::attempts).first(conn).await.optional()?;
    let failures = failures.unwrap_or(0).saturating_add(1);
    diesel::insert_into(set_aside::table)
        .values((
            set_aside::kind.eq(item.task),
            set_aside::subject.eq(&item.subject),
            set_aside::connection_id.eq(item.connection),
            set_aside::error.eq(redacted(error)),
            set_aside::attempts.eq(failures),
            set_aside::first_at.eq(now),
            set_aside::last_at.eq(now),
            set_aside::next_try_at.eq(now + backoff(failures)),
        ))
        .on_conflict((set_aside::kind, set_aside::subject))
        .do_update()
        .set((
            set_aside::connection_id.eq(excluded(set_aside::connection_id)),
            set_aside::error.eq(excluded(set_aside::error)),
            set_aside::attempts.eq(excluded(set_aside::attempts)),
            set_aside::last_at.eq(excluded(set_aside::last_at)),
            set_aside::next_try_at.eq(excluded(set_aside::next_try_at)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes items that were processed, or that need no more processing.
pub async fn forget(conn: &mut Conn, task: Task, subjects: &[String]) -> Result<()> {
    if !subjects.is_empty() {
        diesel::delete(
            set_aside::table
                .filter(set_aside::kind.eq(task))
                .filter(set_aside::subject.eq_any(subjects)),
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Deletes the items of a task that were due at `due_at` and that its routine did not encounter:
/// they need no more processing.
pub async fn forget_unmet(conn: &mut Conn, task: Task, due_at: DateTime<Utc>) -> Result<()> {
    let due =
        set_aside::table.filter(set_aside::kind.eq(task)).filter(set_aside::next_try_at.le(due_at));
    diesel::delete(due).execute(conn).await?;
    Ok(())
}

/// Deletes those of these items that were due at `due_at` and have not failed since.
pub async fn forget_due(
    conn: &mut Conn,
    task: Task,
    subjects: &[String],
    due_at: DateTime<Utc>,
) -> Result<()> {
    let due =
        set_aside::table.filter(set_aside::kind.eq(task)).filter(set_aside::next_try_at.le(due_at));
    diesel::delete(due.filter(set_aside::subject.eq_any(subjects))).execute(conn).await?;
    Ok(())
}

/// The subjects of all items of a task, due or not.
pub async fn subjects(conn: &mut Conn, task: Task) -> Result<HashSet<String>> {
    let known: Vec<String> = set_aside::table
        .filter(set_aside::kind.eq(task))
        .select(set_aside::subject)
        .load(conn)
        .await?;
    Ok(known.into_iter().collect())
}

/// The items of a task that are due now, the longest due first.
pub async fn due(
    conn: &mut Conn,
    task: Task,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<SetAside>> {
    let due = set_aside::table
        .filter(set_aside::kind.eq(task))
        .filter(set_aside::next_try_at.le(now))
        .order(set_aside::next_try_at)
        .limit(limit)
        .select(COLUMNS);
    let rows: Vec<Row> = due.load(conn).await?;
    Ok(rows.into_iter().map(SetAside::from).collect())
}

/// When the next item of these tasks is due.
pub async fn next_try(conn: &mut Conn, tasks: &[Task]) -> Result<Option<DateTime<Utc>>> {
    let first = set_aside::table
        .filter(set_aside::kind.eq_any(tasks))
        .order(set_aside::next_try_at)
        .select(set_aside::next_try_at);
    Ok(first.first(conn).await.optional()?)
}

/// The items that are set aside, newest first, from below the id `before` on (keyset pagination).
pub async fn list(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<SetAside>> {
    // A newer version may have stored tasks that this one does not know.
    let mut query = set_aside::table
        .filter(set_aside::kind.eq_any(Task::ALL))
        .order(set_aside::id.desc())
        .limit(limit)
        .select(COLUMNS)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(set_aside::id.lt(before));
    }
    let rows: Vec<Row> = query.load(conn).await?;
    Ok(rows.into_iter().map(SetAside::from).collect())
}

/// The number of items, counted up to one more than [`MAX_COUNTED`].
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let ids: Vec<i64> =
        set_aside::table.limit(MAX_COUNTED + 1).select(set_aside::id).load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Makes an item and its routine due now; [`Error::NotFound`] if it is no longer set aside.
pub async fn try_now(conn: &mut Conn, id: i64, now: DateTime<Utc>) -> Result<TaskItem> {
    let row = diesel::update(set_aside::table.find(id))
        .set(set_aside::next_try_at.eq(now))
        .returning(COLUMNS);
    let row: Row = row.get_result(conn).await.optional()?.ok_or(Error::NotFound("item"))?;
    let item = SetAside::from(row).item;
    routines::make_due(conn, item.task.routine(), now).await?;
    Ok(item)
}

/// Makes all items and routines due now; returns the number of items.
pub async fn try_all_now(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let count =
        diesel::update(set_aside::table).set(set_aside::next_try_at.eq(now)).execute(conn).await?;
    for routine in Routine::ALL {
        routines::make_due(conn, *routine, now).await?;
    }
    Ok(count)
}

const COLUMNS: Columns = (
    set_aside::id,
    set_aside::kind,
    set_aside::subject,
    set_aside::connection_id,
    set_aside::error,
    set_aside::attempts,
    (set_aside::first_at, set_aside::last_at, set_aside::next_try_at),
);

type Columns = (
    set_aside::id,
    set_aside::kind,
    set_aside::subject,
    set_aside::connection_id,
    set_aside::error,
    set_aside::attempts,
    (set_aside::first_at, set_aside::last_at, set_aside::next_try_at),
);

/// An error, cut to [`MAX_ERROR_LENGTH`], without digits that may be a phone number: databases
/// quote the values that they refuse.
fn redacted(error: &str) -> String {
    let mut text = String::with_capacity(error.len().min(MAX_ERROR_LENGTH));
    let mut digits = String::new();
    for character in
        error.chars().take(MAX_ERROR_LENGTH).filter(|character| *character != '\0').chain([' '])
    {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        text.push_str(if digits.len() >= 7 { "…" } else { &digits });
        digits.clear();
        text.push(character);
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_six_hours() {
        let waits = [1, 2, 3, 9, 10, 100].map(|failures| backoff(failures).num_minutes());
        assert_eq!(waits, [1, 2, 4, 256, 360, 360]);
    }

    #[test]
    fn an_error_is_stored_without_phone_numbers_and_cut_to_length() {
        assert_eq!(
            redacted("Key (phone)=(+12065550111) exists, code 30007"),
            "Key (phone)=(+…) exists, code 30007"
        );
        assert_eq!(redacted("4155550123"), "…");
        assert_eq!(redacted(&"long ".repeat(1_000)).chars().count(), 499);
    }
}
