//! Suppressions: why a number may not be texted. Keyed by number, so that they outlive the contact.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::evidence::{By, Evidence};
use super::reason::Reason;
use super::record::{self, ConsentChange};
use super::source::Source;
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
    /// Identifies it.
    pub id: SuppressionId,
    /// The number.
    pub phone: PhoneNumber,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether a text that is no keyword was read as an opt-out: a user who reads it otherwise can
    /// undo it.
    pub by_wording: bool,
}

impl Suppression {
    /// A few words for a badge.
    pub fn label(&self) -> &'static str {
        if self.by_wording { "Read as an opt-out" } else { self.reason.label() }
    }

    /// A sentence on what it means.
    pub fn meaning(&self) -> &'static str {
        if self.by_wording {
            "They asked in their own words to get no more texts. They can undo it by texting START."
        } else {
            self.reason.meaning()
        }
    }
}

/// How many opt-outs are counted at most; where there are more, the count is one more than this.
pub const MAX_COUNTED: i64 = 10_000;

statement! {
    /// Counts by index, and stops at the limit.
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

/// How often people have opted out since `since`, also those who have opted in again; at most one
/// more than [`MAX_COUNTED`].
pub async fn count_opt_outs(conn: &mut Conn, since: DateTime<Utc>) -> Result<i64> {
    Ok(OptOuts { since, reasons: Reason::OPT_OUTS, limit: MAX_COUNTED + 1 }
        .get_result(conn)
        .await?)
}

/// The reason that weighs most why a number may not be texted; none when it may.
pub async fn active(conn: &mut Conn, phone: &PhoneNumber) -> Result<Option<Suppression>> {
    Ok(all_active(conn, phone).await?.into_iter().next())
}

/// Those of some numbers that have opted out.
pub(crate) async fn opted_out(
    conn: &mut Conn,
    phones: &[PhoneNumber],
) -> Result<HashSet<PhoneNumber>> {
    let active = load_active(conn, phones).await?;
    let opt_outs = active.into_iter().filter(|suppression| suppression.reason.is_opt_out());
    Ok(opt_outs.map(|suppression| suppression.phone).collect())
}

/// Every reason why a number may not be texted, the weightiest first.
pub async fn all_active(conn: &mut Conn, phone: &PhoneNumber) -> Result<Vec<Suppression>> {
    let mut found = load_active(conn, std::slice::from_ref(phone)).await?;
    found.sort_by_key(|suppression| (suppression.reason, suppression.since));
    Ok(found)
}

/// The weightiest suppression of each of many numbers in one query; numbers that may be texted are
/// left out.
pub async fn active_many(
    conn: &mut Conn,
    phones: &[PhoneNumber],
) -> Result<HashMap<PhoneNumber, Suppression>> {
    let mut found = load_active(conn, phones).await?;
    // The last one to be inserted stays.
    found.sort_by_key(|suppression| std::cmp::Reverse((suppression.reason, suppression.since)));
    Ok(found.into_iter().map(|suppression| (suppression.phone.clone(), suppression)).collect())
}

statement! {
    /// Waits for the other transactions that silence one of these numbers; in the order of the
    /// keys, so that two cannot wait for each other.
    struct Queue<'a> { addresses: &'a [PhoneNumber] => Array<Text> }
    returns ();
    "SELECT pg_advisory_xact_lock(key)
     FROM (
         SELECT DISTINCT hashtextextended(address, 0) AS key
         FROM unnest({addresses}) AS address
         ORDER BY key
     ) AS numbers"
}

/// Makes transactions that suppress or lift the same number follow one another; `begin`, `end` and
/// `end_reading` call it first.
///
/// A transaction that locks messages first calls it before that. A STOP has the tag when it comes
/// to the messages; a refusal with 21610 has its message when it comes to the tag. At the same time
/// for the same number, each would wait for the other.
pub async fn queue_up(conn: &mut Conn, phones: &[&PhoneNumber]) -> Result<()> {
    if !phones.is_empty() {
        let forms: Vec<PhoneNumber> = phones.iter().flat_map(|phone| phone.forms()).collect();
        Queue { addresses: &forms }.execute(conn).await?;
    }
    Ok(())
}

/// Suppresses a number and keeps the evidence; returns whether it was not suppressed for this
/// reason before. `contacts::suppress` also tags the contact.
///
/// A suppression that holds stays as it is. Its evidence is kept nevertheless, except Twilio's
/// repeated refusals.
pub(crate) async fn begin(
    conn: &mut Conn,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<bool> {
    queue_up(conn, &[&evidence.phone]).await?;
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
        // What had to be read so far is now said: only the person takes it back.
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
    if newly || evidence.source != Source::Twilio {
        record::add(conn, ConsentChange::Suppressed, evidence, now).await?;
    }
    Ok(newly)
}

/// Lifts the suppressions of a number that have one of these reasons, keeps the evidence (its own
/// `reason` does not matter), and returns the reasons that ended. `contacts::lift` also takes the
/// tag away.
///
/// A keyword lifts opt-outs only. A person or program has to say why, or it is an error of the
/// field `note`.
pub(crate) async fn end(
    conn: &mut Conn,
    reasons: &[Reason],
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>> {
    queue_up(conn, &[&evidence.phone]).await?;
    evidence.says_why()?;
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

/// Lifts an opt-out that was read from a text which is no keyword, keeps the evidence with the
/// reason that has to be given, and returns the reasons that ended. An opt-out that was said by
/// keyword stays, also where it came between.
pub(crate) async fn end_reading(
    conn: &mut Conn,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>> {
    queue_up(conn, &[&evidence.phone]).await?;
    evidence.says_why()?;
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

/// Keeps the evidence of what was lifted, once for each reason.
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

/// What a person said moves along from their old number to the new one, with evidence that names
/// the old one; the old number stays silenced too. What is a fault of the old number stays with it.
/// Answers with the reason that weighs most, if any moved.
///
/// The caller has queued up for both numbers, and takes back what is pending to the new one.
pub(crate) async fn move_along(
    conn: &mut Conn,
    from: &PhoneNumber,
    to: &PhoneNumber,
    by: By,
    now: DateTime<Utc>,
) -> Result<Option<Reason>> {
    let wills: Vec<_> = all_active(conn, from)
        .await?
        .into_iter()
        .filter(|suppression| suppression.reason.is_will())
        .collect();
    for Suppression { reason, since, by_wording, .. } in &wills {
        if insert(conn, to, *reason, *since, *by_wording, Counted::Already).await? {
            let evidence = Evidence {
                phone: to.clone(),
                reason: *reason,
                source: Source::NumberChange,
                message_id: record::message_behind(conn, from, *reason).await?,
                user_id: by.user_id,
                note: Some(from.international()),
            };
            record::add(conn, ConsentChange::Suppressed, &evidence, now).await?;
        }
    }
    Ok(wills.into_iter().next().map(|suppression| suppression.reason))
}

/// Whether a suppression is an opt-out of its own or one that is counted under another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Once,
    Already,
}

/// Suppresses a number for a reason, unless it is; the person's will under every way to write the
/// number. Says whether it is new.
async fn insert(
    conn: &mut Conn,
    phone: &PhoneNumber,
    reason: Reason,
    since: DateTime<Utc>,
    by_wording: bool,
    counted: Counted,
) -> Result<bool> {
    let forms = if reason.is_will() { phone.forms() } else { vec![phone.clone()] };
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
