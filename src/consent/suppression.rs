//! Suppressions: why a number may not be texted. Keyed by number, so that they outlive the contact.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::evidence::{Evidence, Requester};
use super::reason::Reason;
use super::record::{self, ConsentChange};
use super::source::ConsentSource;
use crate::db::Conn;
use crate::db::schema::suppressions;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::SuppressionId;
use crate::types::phone::PhoneNumber;

/// A number that may not be texted, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = suppressions, check_for_backend(diesel::pg::Pg))]
pub struct Suppression {
    /// Identifies the suppression.
    pub id: SuppressionId,
    /// The number.
    pub phone: PhoneNumber,
    /// The reason.
    pub reason: Reason,
    /// Since when it has been suppressed.
    pub since: DateTime<Utc>,
    /// Whether a text that is not a keyword was read as an opt-out; a user who reads it otherwise
    /// can undo it.
    pub by_wording: bool,
}

impl Suppression {
    /// A short label for a badge.
    pub fn label(&self) -> &'static str {
        if self.by_wording { "Read as an opt-out" } else { self.reason.label() }
    }

    /// A sentence that explains it.
    pub fn meaning(&self) -> &'static str {
        if self.by_wording {
            "They asked in their own words to get no more texts. They can undo it by texting START."
        } else {
            self.reason.meaning()
        }
    }
}

/// The highest number of opt-outs that is counted exactly; if there are more, the count is one more
/// than this.
pub const MAX_COUNTED: i64 = 10_000;

statement! {
    /// Counts opt-outs by an index, up to the limit.
    struct OptOuts<'a> {
        since: DateTime<Utc> => Timestamptz,
        reasons: &'a [Reason] => Array<Text>,
        limit: i64 => BigInt,
    }
    returns BigInt;
    "SELECT count(*)
     FROM (
         SELECT FROM suppressions
         WHERE since >= {since} AND reason = ANY ({reasons}) AND counted
         LIMIT {limit}
     ) AS counted"
}

/// The number of opt-outs since `since`, including those that were lifted again; at most one more
/// than [`MAX_COUNTED`].
pub async fn count_opt_outs(conn: &mut Conn, since: DateTime<Utc>) -> Result<i64> {
    Ok(OptOuts { since, reasons: Reason::OPT_OUTS, limit: MAX_COUNTED + 1 }
        .get_result(conn)
        .await?)
}

statement! {
    /// Counts opt-outs by day, newest first and up to the limit.
    struct OptOutsByDay<'a> {
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        reasons: &'a [Reason] => Array<Text>,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
        limit: i64 => BigInt,
    }
    returns (Nullable<Date>, BigInt);
    "SELECT ({days})[width_bucket(since, {begins})], count(*)
     FROM (
         SELECT since
         FROM suppressions
         WHERE since >= {begin} AND since < {end} AND reason = ANY ({reasons}) AND counted
         ORDER BY since DESC
         LIMIT {limit}
     ) AS counted
     GROUP BY 1"
}

/// The number of opt-outs on each of these days, which begin at `begins`; those of
/// [`count_opt_outs`]. Days without any are left out; beyond [`MAX_COUNTED`], the oldest opt-outs.
pub async fn opt_outs_by_day(
    conn: &mut Conn,
    days: &[NaiveDate],
    begins: &[DateTime<Utc>],
    end: DateTime<Utc>,
) -> Result<Vec<(NaiveDate, i64)>> {
    let Some(begin) = begins.first().copied() else { return Ok(Vec::new()) };
    let (reasons, limit) = (Reason::OPT_OUTS, MAX_COUNTED + 1);
    let statement = OptOutsByDay { begin, end, reasons, days, begins, limit };
    let rows: Vec<(Option<NaiveDate>, i64)> = statement.load(conn).await?;
    Ok(rows.into_iter().filter_map(|(day, count)| Some((day?, count))).collect())
}

/// The strongest suppression of a number; `None` if it may be texted.
pub async fn active(conn: &mut Conn, phone: &PhoneNumber) -> Result<Option<Suppression>> {
    Ok(all_active(conn, phone).await?.into_iter().next())
}

/// Those of these numbers that have opted out.
pub(crate) async fn opted_out(
    conn: &mut Conn,
    phones: &[PhoneNumber],
) -> Result<HashSet<PhoneNumber>> {
    let active = load_active(conn, phones).await?;
    let opt_outs = active.into_iter().filter(|suppression| suppression.reason.is_opt_out());
    Ok(opt_outs.map(|suppression| suppression.phone).collect())
}

/// All active suppressions of a number, the strongest first.
pub async fn all_active(conn: &mut Conn, phone: &PhoneNumber) -> Result<Vec<Suppression>> {
    let mut found = load_active(conn, std::slice::from_ref(phone)).await?;
    found.sort_by_key(|suppression| (suppression.reason, suppression.since));
    Ok(found)
}

/// The strongest suppression of each of many numbers in one query; numbers that may be texted are
/// left out.
pub async fn active_many(
    conn: &mut Conn,
    phones: &[PhoneNumber],
) -> Result<HashMap<PhoneNumber, Suppression>> {
    let mut found = load_active(conn, phones).await?;
    // The last one that is inserted into the map stays.
    found.sort_by_key(|suppression| std::cmp::Reverse((suppression.reason, suppression.since)));
    Ok(found.into_iter().map(|suppression| (suppression.phone.clone(), suppression)).collect())
}

statement! {
    /// Takes the advisory locks of numbers, in the order of their keys, so that two transactions
    /// cannot wait for each other.
    struct LockNumbers<'a> { addresses: &'a [PhoneNumber] => Array<Text> }
    returns ();
    "SELECT pg_advisory_xact_lock(key)
     FROM (
         SELECT DISTINCT hashtextextended(address, 0) AS key
         FROM unnest({addresses}) AS address
         ORDER BY key
     ) AS numbers"
}

/// Serializes the transactions that suppress or lift the same number, by advisory locks; call it
/// before messages are locked. A STOP locks the tag before the messages, a refusal with 21610 its
/// message before the tag: they would otherwise deadlock.
pub async fn lock_numbers(conn: &mut Conn, phones: &[&PhoneNumber]) -> Result<()> {
    if !phones.is_empty() {
        let forms: Vec<PhoneNumber> = phones.iter().flat_map(|phone| phone.forms()).collect();
        LockNumbers { addresses: &forms }.execute(conn).await?;
    }
    Ok(())
}

/// Suppresses a number and records the evidence; returns whether it was not suppressed for this
/// reason before. An active suppression stays as it is; only Twilio's repeated refusals are not
/// recorded again. `contacts::suppress` also tags the contact.
pub(crate) async fn begin(
    conn: &mut Conn,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<bool> {
    lock_numbers(conn, &[&evidence.phone]).await?;
    let newly = insert(
        conn,
        &evidence.phone,
        evidence.reason,
        now,
        evidence.source.is_wording(),
        Counted::Once,
    )
    .await?;
    if !newly && evidence.source.is_texted() && !evidence.source.is_wording() {
        // A keyword confirms what was read from wording: only the person can take it back from now
        // on.
        let forms = evidence.phone.forms();
        let read = suppressions::table
            .filter(suppressions::phone.eq_any(&forms))
            .filter(suppressions::reason.eq(evidence.reason));
        diesel::update(
            read.filter(suppressions::lifted_at.is_null()).filter(suppressions::by_wording),
        )
        .set(suppressions::by_wording.eq(false))
        .execute(conn)
        .await?;
    }
    if newly || evidence.source != ConsentSource::Twilio {
        record::add(conn, ConsentChange::Suppressed, evidence, now).await?;
    }
    Ok(newly)
}

/// Lifts the suppressions of a number that have one of these reasons, records the evidence (its own
/// `reason` is ignored), and returns the lifted reasons. `contacts::lift` also removes the tag.
///
/// A keyword lifts opt-outs only. A user or program has to give a reason; without one, it is an
/// error on the field `note`.
pub(crate) async fn end(
    conn: &mut Conn,
    reasons: &[Reason],
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>> {
    lock_numbers(conn, &[&evidence.phone]).await?;
    evidence.require_note()?;
    let reasons: Vec<_> = reasons
        .iter()
        .copied()
        .filter(|reason| !evidence.source.is_texted() || reason.is_opt_out())
        .collect();
    let forms = evidence.phone.forms();
    let active = suppressions::table
        .filter(suppressions::phone.eq_any(&forms))
        .filter(suppressions::lifted_at.is_null());
    let lifted: Vec<Reason> = diesel::update(active.filter(suppressions::reason.eq_any(&reasons)))
        .set(suppressions::lifted_at.eq(now))
        .returning(suppressions::reason)
        .get_results(conn)
        .await?;
    record_ended(conn, lifted, evidence, now).await
}

/// Lifts an opt-out that was read from wording, records the evidence with the required reason, and
/// returns the lifted reasons. An opt-out by keyword stays, even if it came later.
pub(crate) async fn end_reading(
    conn: &mut Conn,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>> {
    lock_numbers(conn, &[&evidence.phone]).await?;
    evidence.require_note()?;
    let forms = evidence.phone.forms();
    let read = suppressions::table
        .filter(suppressions::phone.eq_any(&forms))
        .filter(suppressions::lifted_at.is_null());
    let lifted: Vec<Reason> = diesel::update(read.filter(suppressions::by_wording))
        .set(suppressions::lifted_at.eq(now))
        .returning(suppressions::reason)
        .get_results(conn)
        .await?;
    record_ended(conn, lifted, evidence, now).await
}

/// Records the evidence of what was lifted, once for each reason.
async fn record_ended(
    conn: &mut Conn,
    mut lifted: Vec<Reason>,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>> {
    lifted.sort_unstable();
    lifted.dedup();
    for reason in &lifted {
        let evidence = Evidence { reason: *reason, ..evidence.clone() };
        record::add(conn, ConsentChange::Lifted, &evidence, now).await?;
    }
    Ok(lifted)
}

/// Copies the suppressions that follow the person from their old number to the new one, with
/// evidence that names the old one. Faults of the old number are not copied. Returns the strongest
/// reason, if any was copied.
///
/// The caller holds the locks of both numbers, and takes back what is pending to the new one.
pub(crate) async fn move_to_new_number(
    conn: &mut Conn,
    from: &PhoneNumber,
    to: &PhoneNumber,
    requester: Requester,
    now: DateTime<Utc>,
) -> Result<Option<Reason>> {
    let moving: Vec<_> = all_active(conn, from)
        .await?
        .into_iter()
        .filter(|suppression| suppression.reason.follows_person())
        .collect();
    for Suppression { reason, since, by_wording, .. } in &moving {
        if insert(conn, to, *reason, *since, *by_wording, Counted::Already).await? {
            let evidence = Evidence {
                phone: to.clone(),
                reason: *reason,
                source: ConsentSource::NumberChange,
                message_id: record::proving_message(conn, from, *reason).await?,
                user_id: requester.user_id,
                note: Some(from.international()),
            };
            record::add(conn, ConsentChange::Suppressed, &evidence, now).await?;
        }
    }
    Ok(moving.into_iter().next().map(|suppression| suppression.reason))
}

/// Whether a suppression counts as an opt-out, or is counted under another number already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Once,
    Already,
}

/// Suppresses a number for a reason, unless it is already. A reason that follows the person covers
/// every form in which the number is written. Returns whether it is new.
async fn insert(
    conn: &mut Conn,
    phone: &PhoneNumber,
    reason: Reason,
    since: DateTime<Utc>,
    by_wording: bool,
    counted: Counted,
) -> Result<bool> {
    let forms = if reason.follows_person() { phone.forms() } else { vec![phone.clone()] };
    let row = |(at, phone): (usize, &PhoneNumber)| {
        (
            suppressions::id.eq(SuppressionId::new()),
            suppressions::phone.eq(phone.clone()),
            suppressions::reason.eq(reason),
            suppressions::since.eq(since),
            suppressions::by_wording.eq(by_wording),
            suppressions::counted.eq(at == 0 && counted == Counted::Once),
        )
    };
    let rows: Vec<_> = forms.iter().enumerate().map(row).collect();
    let inserted = diesel::insert_into(suppressions::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted > 0)
}

async fn load_active(conn: &mut Conn, phones: &[PhoneNumber]) -> Result<Vec<Suppression>> {
    let active = suppressions::table
        .filter(suppressions::phone.eq_any(phones))
        .filter(suppressions::lifted_at.is_null());
    Ok(active.select(Suppression::as_select()).load(conn).await?)
}
