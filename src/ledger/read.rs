//! Reading the ledger of a filter, in rows by day, automation or sender.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::exists;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{BoolExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::cause::Cause;
use super::counts::{Counted, Counts};
use super::days::Calendar;
use super::filter::LedgerFilter;
use super::outcome::Outcome;
use crate::db::statement::statement;
use crate::db::{Conn, schema};
use crate::error::Result;
use crate::types::id::{AutomationId, SenderId};
use crate::types::text_enum::text_enum;

text_enum! {
    /// How the ledger is grouped into rows.
    pub enum Grouping {
        /// One row for each day.
        Day = "day",
        /// One row for each automation, and one for messages without any.
        Automation = "automation",
        /// One row for each sender.
        Sender = "sender",
    }
}

/// What a row of the ledger stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerKey {
    /// The messages that were composed on this day.
    Day(NaiveDate),
    /// The messages of an automation, or of none.
    Automation(Option<AutomationId>),
    /// The messages from a sender.
    Sender(Option<SenderId>),
}

/// A row of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerRow {
    /// What it stands for.
    pub key: LedgerKey,
    /// The numbers of its messages by outcome.
    pub counts: Counts,
}

/// The ledger of a filter, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The totals of all rows.
    pub totals: Counts,
    /// The rows: the newest day first, or else the most recipients first.
    pub rows: Vec<LedgerRow>,
    /// The causes by outcome, the most frequent first.
    pub causes: Vec<Cause>,
}

statement! {
    /// Sums buckets by one of their dimensions, outcome and cause, including changes that are not
    /// folded yet.
    struct Read<'a> {
        grouping: Grouping => Text,
        from: NaiveDate => Date,
        to: NaiveDate => Date,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
    }
    returns (
        Nullable<Date>,
        Nullable<SqlUuid>,
        Text,
        Nullable<Text>,
        Nullable<Int4>,
        BigInt
    ), planned for its values;
    "SELECT b.day,
         CASE {grouping} WHEN 'automation' THEN b.automation_id WHEN 'sender' THEN b.sender_id END,
         b.outcome, b.reason, b.error_code, sum(b.count)::bigint
     FROM (
         SELECT CASE {grouping} WHEN 'day' THEN day END AS day,
             automation_id, sender_id, outcome, reason, error_code, count
         FROM ledger
         WHERE day BETWEEN {from} AND {to}
         UNION ALL
         SELECT CASE {grouping} WHEN 'day' THEN ({days})[width_bucket(quarter, {begins})] END,
             automation_id, sender_id, outcome, reason, error_code, count
         FROM ledger_changes
         WHERE quarter >= {begin} AND quarter < {end}
     ) AS b
     WHERE ({automation_id} IS NULL OR b.automation_id = {automation_id})
       AND (NOT {one_off} OR b.automation_id IS NULL)
       AND ({sender_id} IS NULL OR b.sender_id = {sender_id})
     GROUP BY 1, 2, 3, 4, 5
     HAVING sum(b.count) <> 0"
}

/// Whether any message has ever been composed.
pub async fn has_any(conn: &mut Conn) -> Result<bool> {
    let folded = exists(schema::ledger::table.select(schema::ledger::outcome));
    let changes = exists(schema::ledger_changes::table.select(schema::ledger_changes::outcome));
    Ok(diesel::select(folded.or(changes)).get_result(conn).await?)
}

/// Reads the ledger of a filter.
pub async fn read(conn: &mut Conn, filter: &LedgerFilter, grouping: Grouping) -> Result<Ledger> {
    type Bucket = (Option<NaiveDate>, Option<Uuid>, String, Option<String>, Option<i32>, i64);
    let (automation_id, one_off) = filter.automation_and_one_off();
    let (from, to, begin, end) =
        (filter.days.from(), filter.days.to(), filter.days.begin(), filter.days.end());
    let Calendar { days, begins } =
        if grouping == Grouping::Day { filter.days.into() } else { Calendar::default() };
    let (days, begins, sender_id) = (&days, &begins, filter.sender_id);
    let read =
        Read { grouping, from, to, begin, end, days, begins, automation_id, one_off, sender_id };
    let buckets: Vec<Bucket> = read.load(conn).await?;
    let mut ledger = Ledger { totals: Counts::default(), rows: Vec::new(), causes: Vec::new() };
    for (day, id, outcome, reason, error_code, count) in buckets {
        let key = match grouping {
            Grouping::Day => LedgerKey::Day(day.unwrap_or_default()),
            Grouping::Automation => LedgerKey::Automation(id.map(AutomationId)),
            Grouping::Sender => LedgerKey::Sender(id.map(SenderId)),
        };
        let counted = Counted::of(&outcome)?;
        ledger.totals.add(counted, count);
        ledger.row(key).add(counted, count);
        if let Counted::Outcome(
            outcome @ (Outcome::Failed | Outcome::Suppressed | Outcome::Skipped),
        ) = counted
        {
            ledger.add_cause(Cause { outcome, error_code, reason, count });
        }
    }
    ledger.sort(grouping);
    Ok(ledger)
}

impl Ledger {
    /// Whether every recipient has exactly one outcome, in all rows and together.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.totals.add_up() && self.rows.iter().all(|row| row.counts.add_up())
    }

    fn row(&mut self, key: LedgerKey) -> &mut Counts {
        // The buckets of a row are not adjacent. Rows are few, and the last one is the likeliest
        // match.
        let at = self.rows.iter().rposition(|row| row.key == key).unwrap_or_else(|| {
            self.rows.push(LedgerRow { key, counts: Counts::default() });
            self.rows.len() - 1
        });
        &mut self.rows[at].counts
    }

    fn add_cause(&mut self, cause: Cause) {
        match self.causes.iter_mut().find(|known| known.is_same(&cause)) {
            Some(known) => known.count += cause.count,
            None => self.causes.push(cause),
        }
    }

    fn sort(&mut self, grouping: Grouping) {
        match grouping {
            Grouping::Day => self.rows.sort_by_key(|row| std::cmp::Reverse(row.key)),
            Grouping::Automation | Grouping::Sender => {
                self.rows.sort_by_key(|row| (std::cmp::Reverse(row.counts.recipients), row.key));
            }
        }
        self.causes.retain(|cause| cause.count != 0);
        self.causes
            .sort_by_key(|cause| (cause.outcome, std::cmp::Reverse(cause.count), cause.error_code));
    }
}
