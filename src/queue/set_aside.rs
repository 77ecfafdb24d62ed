//! What a routine could not do is set aside, so that it does the rest: with its error for an admin,
//! to be tried again later and later.
//!
//! One bad item never stops a routine. A routine that fails with a batch does it item by item,
//! keeps here what fails, and looks here for what is due again. Jobs need no row: each is an item
//! by itself, with its own error and its own times.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::set_aside;
use crate::error::{Error, Result};
use crate::queue::routines::{self, Routine};
use crate::types::id::ConnectionId;
use crate::types::text_enum::text_enum;

/// So many are counted at most.
pub const COUNTED: i64 = 10_000;

/// After its first failure an item waits this long; each further one doubles it.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// The longest wait between two tries.
const MAX_WAIT: TimeDelta = TimeDelta::hours(6);

/// Errors are kept up to this length.
const MAX_CHARACTERS: usize = 500;

text_enum! {
    /// What could not be done.
    pub enum Task {
        /// To take in an incoming message that was found at Twilio; the subject is its SID.
        TakeIn = "take_in",
        /// To list the incoming messages of a sender; the subject is its id.
        ListInbound = "list_inbound",
        /// To look up the status of a message; the subject is its id.
        LookUp = "look_up",
        /// To inspect a connection; the subject is its id.
        Inspect = "inspect",
        /// To learn the prices of a connection's messages; the subject is its id, and the country
        /// where it is one of them.
        LearnPrices = "learn_prices",
        /// To fold a change into the ledger; the subject is the change's number.
        Fold = "fold",
        /// To release a message from its sender's queue; the subject is its id.
        Release = "release",
        /// To forget a session that has ended; the subject is its id.
        EndSession = "end_session",
        /// To put a message into an export; the subject is its id.
        Export = "export",
    }
}

/// Something that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// What was to be done.
    pub task: Task,
    /// With what.
    pub subject: String,
    /// Through which connection, if it is about one.
    pub connection: Option<ConnectionId>,
}

/// An item that is set aside.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// The row.
    pub id: i64,
    /// The item.
    pub item: Item,
    /// Why it could not be done the last time.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it failed first.
    pub first_at: DateTime<Utc>,
    /// When it failed last.
    pub last_at: DateTime<Utc>,
    /// When it is tried again.
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

impl Item {
    /// An item.
    pub fn new(
        task: Task,
        subject: &(impl ToString + ?Sized),
        connection: Option<ConnectionId>,
    ) -> Self {
        Self { task, subject: subject.to_string(), connection }
    }
}

impl Task {
    /// The routine that tries it again.
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
            item: Item { task, subject, connection },
            error,
            attempts,
            first_at,
            last_at,
            next_try_at,
        }
    }
}

/// How long an item waits after so many failures: 1 minute, 2, 4, … up to 6 hours.
#[must_use]
pub fn wait(failures: i32) -> TimeDelta {
    (FIRST_WAIT * (1 << (failures.clamp(1, 10) - 1))).min(MAX_WAIT)
}

/// Sets an item aside, or notes that it has failed once more.
pub async fn keep(conn: &mut Conn, item: &Item, error: &str, now: DateTime<Utc>) -> Result<()> {
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
            set_aside::error.eq(harmless(error)),
            set_aside::attempts.eq(failures),
            set_aside::first_at.eq(now),
            set_aside::last_at.eq(now),
            set_aside::next_try_at.eq(now + wait(failures)),
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

/// Forgets items that were done, or that nothing is left to do with.
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

/// Forgets the items of a task that were due at this time and that its routine did not meet:
/// nothing is left to do with them.
pub async fn forget_unmet(conn: &mut Conn, task: Task, due_at: DateTime<Utc>) -> Result<()> {
    let due =
        set_aside::table.filter(set_aside::kind.eq(task)).filter(set_aside::next_try_at.le(due_at));
    diesel::delete(due).execute(conn).await?;
    Ok(())
}

/// Forgets those of some items that were due at this time and have not failed since.
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

/// The subjects that are set aside of a task, whether they are due or not.
pub async fn subjects(conn: &mut Conn, task: Task) -> Result<HashSet<String>> {
    let known: Vec<String> = set_aside::table
        .filter(set_aside::kind.eq(task))
        .select(set_aside::subject)
        .load(conn)
        .await?;
    Ok(known.into_iter().collect())
}

/// The items of a task that are to be tried again now, those first that have waited longest.
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

/// When the first item of some tasks is tried again.
pub async fn next_try(conn: &mut Conn, tasks: &[Task]) -> Result<Option<DateTime<Utc>>> {
    let first = set_aside::table
        .filter(set_aside::kind.eq_any(tasks))
        .order(set_aside::next_try_at)
        .select(set_aside::next_try_at);
    Ok(first.first(conn).await.optional()?)
}

/// What is set aside, the newest first, after a place in that order.
pub async fn list(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<SetAside>> {
    // A newer version may set other things aside.
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

/// How many items are set aside, counted up to one more than [`COUNTED`].
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let ids: Vec<i64> =
        set_aside::table.limit(COUNTED + 1).select(set_aside::id).load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Makes an item due, and its routine; [`Error::NotFound`] when it is not set aside any more.
pub async fn try_now(conn: &mut Conn, id: i64, now: DateTime<Utc>) -> Result<Item> {
    let row = diesel::update(set_aside::table.find(id))
        .set(set_aside::next_try_at.eq(now))
        .returning(COLUMNS);
    let row: Row = row.get_result(conn).await.optional()?.ok_or(Error::NotFound("item"))?;
    let item = SetAside::from(row).item;
    routines::hasten(conn, item.task.routine(), now).await?;
    Ok(item)
}

/// Makes all items due, and their routines; returns how many there are.
pub async fn try_all_now(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let count =
        diesel::update(set_aside::table).set(set_aside::next_try_at.eq(now)).execute(conn).await?;
    for routine in Routine::ALL {
        routines::hasten(conn, *routine, now).await?;
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

/// An error without what may be a phone number, and not too long: databases quote what they cannot
/// take.
fn harmless(error: &str) -> String {
    let mut text = String::with_capacity(error.len().min(MAX_CHARACTERS));
    let mut digits = String::new();
    for character in
        error.chars().take(MAX_CHARACTERS).filter(|character| *character != '\0').chain([' '])
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
        let waits = [1, 2, 3, 9, 10, 100].map(|failures| wait(failures).num_minutes());
        assert_eq!(waits, [1, 2, 4, 256, 360, 360]);
    }

    #[test]
    fn an_error_is_kept_without_phone_numbers_and_not_at_any_length() {
        assert_eq!(
            harmless("Key (phone)=(+12065550111) exists, code 30007"),
            "Key (phone)=(+…) exists, code 30007"
        );
        assert_eq!(harmless("4155550123"), "…");
        assert_eq!(harmless(&"long ".repeat(1_000)).chars().count(), 499);
    }
}
