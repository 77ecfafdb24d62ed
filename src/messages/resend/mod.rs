//! Resending, by users, of messages that certainly reached no recipient: each once, as a new
//! message.
//!
//! [`preview()`] counts what a [`Selection`] could resend, and why the rest is [left out](LeftOut).
//! [`candidates`] finds those messages, and [`send_again`] composes them anew. Start with
//! [`Circumstances::check`], which decides about one message.

pub mod batches;
mod eligibility;
mod preview;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::compose::{self, Draft, Origin, SendBy};
use super::message::Message;
use super::status::MessageStatus;
use crate::contacts::deletion;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::db::{Begun, Closing, Conn};
use crate::error::{Error, Result};
use crate::ledger::{DaysError, LedgerFilter};
use crate::types::id::{AutomationId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

pub use eligibility::{Circumstances, Facts, LeftOut, may_be_eligible};
pub use preview::{Group, ResendPreview, preview};

/// The largest number of days in a selection.
pub const MAX_DAYS: i64 = 31;

/// How many messages one request resends; the user repeats it for the rest.
pub const MAX_AT_ONCE: usize = 20_000;

/// How many messages one transaction resends; see [`send_again`].
pub const CHUNK: usize = 500;

/// The undelivered messages of a ledger filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection(LedgerFilter);

/// A message's status, error code, reason and facts, as the statements below select them.
type FactRow =
    (MessageStatus, Option<i32>, Option<String>, bool, bool, bool, bool, bool, bool, bool);

/// Selects the facts about a message `m`, for `eligibility.rs`. Deleting a contact removes it from
/// its messages, and no carrier has what Twilio never accepted. The suppression is not an `EXISTS`,
/// for which PostgreSQL would read all suppressions.
macro_rules! facts {
    () => {
        "m.status, m.error_code, left(m.reason, 200) AS reason,
             m.retried_at IS NOT NULL AS retried,
             m.contact_id IS NOT NULL AS has_contact,
             m.to_address <> '' AND (m.body <> '' OR cardinality(m.media_urls) > 0) AS has_content,
             m.twilio_sid IS NOT NULL AS accepted,
             (SELECT true
              FROM suppressions s
              WHERE s.phone = m.to_address AND s.lifted_at IS NULL
              LIMIT 1) IS NOT NULL AS suppressed,
             (m.twilio_sid IS NOT NULL OR m.former_sids IS NOT NULL) AND EXISTS (
                 SELECT FROM delivery_events e
                 WHERE e.message_id = m.id
                   AND e.status IN ('sent', 'delivered', 'undelivered', 'read')
             ) AS at_carrier,
             EXISTS (
                 SELECT FROM attempts t
                 WHERE t.message_id = m.id
                   AND (t.outcome IS NULL OR t.outcome = 'unknown')
                   AND (m.twilio_sid IS NULL OR t.number < (
                       SELECT max(number) FROM attempts WHERE message_id = m.id
                   ))
             ) AS doubtful"
    };
}

/// Selects the failed messages `m` of a selection whose cause does not decide about them. Binds:
/// the begin and end of the days, the automation, whether only one-off messages, the sender, and
/// the retryable codes.
macro_rules! open_failures {
    () => {
        "failures AS failure
         JOIN messages AS m ON m.id = failure.message_id
         WHERE failure.created_at >= {begin}
           AND failure.created_at < {end}
           AND (failure.error_code IS NULL OR failure.error_code = ANY ({codes}))
           AND ({automation_id} IS NULL OR failure.automation_id = {automation_id})
           AND (NOT {one_off} OR failure.automation_id IS NULL)
           AND ({sender_id} IS NULL OR failure.sender_id = {sender_id})"
    };
}
use facts;
use open_failures;

statement! {
    /// Finds messages that may be resent, oldest first.
    struct FindCandidates<'a> {
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
        codes: &'a [i32] => Array<Int4>,
        limit: i64 => BigInt,
    }
    returns SqlUuid, planned for its values;
    concat!(
        "SELECT f.id
     FROM (
         SELECT m.id, m.created_at, ",
        facts!(),
        "
         FROM ",
        open_failures!(),
        "
     ) AS f
     WHERE f.has_contact
       AND f.has_content
       AND NOT f.suppressed
       AND NOT f.at_carrier
       AND NOT f.doubtful
       AND NOT (f.error_code IS NULL AND f.status = 'failed' AND f.accepted)
     ORDER BY f.created_at, f.id
     LIMIT {limit}"
    )
}

statement! {
    /// Reads the current facts about messages.
    struct ReadFacts<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
    returns (
        SqlUuid,
        (Text, Nullable<Int4>, Nullable<Text>, Bool, Bool, Bool, Bool, Bool, Bool, Bool)
    );
    concat!(
        "SELECT m.id, ",
        facts!(),
        "
     FROM messages m
     WHERE m.id = ANY ({ids}) AND m.direction = 'outbound'
     ORDER BY m.id"
    )
}

statement! {
    /// Marks messages as resent.
    struct MarkResent<'a> {
        now: DateTime<Utc> => Timestamptz,
        ids: &'a [MessageId] => Array<SqlUuid>,
    }
    returns ();
    "UPDATE messages m SET retried_at = {now}
     FROM messages n
     WHERE n.retry_of = m.id AND n.id = ANY ({ids})"
}

impl Selection {
    /// Creates a selection, if the filter has at most [`MAX_DAYS`] days.
    pub fn new(filter: LedgerFilter) -> std::result::Result<Self, DaysError> {
        if filter.days.count() > MAX_DAYS {
            Err(DaysError::MoreThan(MAX_DAYS))
        } else {
            Ok(Self(filter))
        }
    }

    /// The ledger filter.
    #[must_use]
    pub const fn filter(&self) -> &LedgerFilter {
        &self.0
    }
}

/// Finds the messages of a selection that may be resent, oldest first, at most [`MAX_AT_ONCE`].
pub async fn candidates(conn: &mut Conn, selection: &Selection) -> Result<Vec<MessageId>> {
    let filter = selection.filter();
    let (automation_id, one_off) = filter.made_by();
    let (begin, end) = (filter.days.begin(), filter.days.end());
    let codes = eligibility::retryable_codes();
    let limit = i64::try_from(MAX_AT_ONCE).unwrap_or(i64::MAX);
    let find = FindCandidates {
        begin,
        end,
        automation_id,
        one_off,
        sender_id: filter.sender_id,
        codes: &codes,
        limit,
    };
    Ok(find.load(conn).await?)
}

/// Checks whether one message may be resent now; the inner error says why not.
pub async fn check_eligibility(
    conn: &mut Conn,
    id: MessageId,
) -> Result<std::result::Result<(), LeftOut>> {
    let found: Option<(MessageId, FactRow)> =
        ReadFacts { ids: &[id] }.get_result(conn).await.optional()?;
    let (_, facts) = found.ok_or(Error::NotFound("message"))?;
    Ok(circumstances(facts).check())
}

/// Resends those messages that are still eligible, of up to [`CHUNK`], and returns the new ones.
///
/// Each is composed anew like any other message, so a number that is suppressed by now gets
/// nothing. A concurrent call for the same message waits, and then finds it resent.
pub async fn send_again<'t>(
    tx: Begun<'t>,
    ids: &[MessageId],
    now: DateTime<Utc>,
) -> Result<(Vec<MessageId>, Closing<'t>)> {
    let mut tx = deletion::hold_off(tx).await?;
    // In id order, so that two calls with the same messages cannot deadlock.
    let lock =
        messages::table.filter(messages::id.eq_any(ids)).order(messages::id).for_no_key_update();
    let locked: Vec<Message> = lock.select(Message::as_select()).load(&mut *tx).await?;
    let found: Vec<(MessageId, FactRow)> = ReadFacts { ids }.load(&mut *tx).await?;
    let eligible: Vec<MessageId> = found
        .into_iter()
        .filter(|(_, facts)| circumstances(facts.clone()).check().is_ok())
        .map(|(id, _)| id)
        .collect();
    let drafts: Vec<Draft> = locked
        .into_iter()
        .filter(|message| eligible.contains(&message.id))
        .filter_map(draft)
        .collect();
    let (composed, mut closing) = compose::compose(tx, now, drafts, SendBy::AnyWorker).await?;
    MarkResent { now, ids: &composed.messages }.execute(closing.without_waiting()).await?;
    Ok((composed.messages, closing))
}

/// The message that resends this one, if there is one.
pub async fn retry_of(conn: &mut Conn, id: MessageId) -> Result<Option<MessageId>> {
    Ok(messages::table
        .filter(messages::retry_of.eq(id))
        .select(messages::id)
        .first(conn)
        .await
        .optional()?)
}

/// The draft of a resent message: the same text to the same person from the same sender.
fn draft(message: Message) -> Option<Draft> {
    Some(Draft {
        origin: Origin::Retry { of: message.id, automation_id: message.automation_id },
        contact_id: message.contact_id,
        sender_id: message.sender_id?,
        to: Ok(PhoneNumber::from_e164(&message.to_address).ok()?.current()),
        text: Ok(message.body),
        template: message.template_id.zip(message.template_version),
        media_urls: message.media_urls,
    })
}

fn circumstances(
    (
        status,
        error_code,
        reason,
        retried,
        has_contact,
        has_content,
        accepted,
        suppressed,
        at_carrier,
        doubtful,
    ): FactRow,
) -> Circumstances {
    let facts =
        Facts { retried, has_contact, has_content, accepted, suppressed, at_carrier, doubtful };
    Circumstances { status, error_code, reason, facts }
}
