//! Sending again what never reached anybody: finding it, saying how many there are and why, and
//! composing each anew, once.

pub mod batches;
mod eligibility;
mod preview;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::compose::{self, Draft, Origin, Sends};
use super::message::Message;
use super::status::MessageStatus;
use crate::contacts;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::ledger::{DaysError, LedgerFilter};
use crate::types::id::{AutomationId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

pub use eligibility::{Circumstances, Facts, LeftOut, may_be_worth_it};
pub use preview::{Group, ResendPreview, preview};

/// As many days as are looked through at once.
pub const MAX_DAYS: i64 = 31;

/// As many messages as one wish sends again; whoever has more asks again.
pub const MAX_AT_ONCE: usize = 20_000;

/// As many messages as one transaction sends again; see [`send_again`].
pub const CHUNK: usize = 500;

/// What is asked about: messages that did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection(LedgerFilter);

/// The facts of the statements below, after the message's status, error code and reason.
type FactRow =
    (MessageStatus, Option<i32>, Option<String>, bool, bool, bool, bool, bool, bool, bool);

/// What stands against sending a message `m` again, to be weighed in `verdict.rs`. Whoever deletes
/// a contact takes its name off its messages; a carrier has nothing that Twilio never took. For
/// `EXISTS` PostgreSQL would read all suppressions.
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

/// Messages `m` of a selection whose cause does not settle whether they are sent again, which
/// `failures` finds: begin and end of its days, the automation, whether only those of none, the
/// sender, and the codes that are worth another try.
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
    /// Finds messages that may be sent again, the oldest first.
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
    /// Says what is true of some messages now.
    struct Find<'a> { ids: &'a [MessageId] => Array<SqlUuid> }
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
    /// Marks what was sent again.
    struct Mark<'a> {
        now: DateTime<Utc> => Timestamptz,
        ids: &'a [MessageId] => Array<SqlUuid>,
    }
    returns ();
    "UPDATE messages m SET retried_at = {now}
     FROM messages n
     WHERE n.retry_of = m.id AND n.id = ANY ({ids})"
}

impl Selection {
    /// The messages of a filter, if its days are few enough to be looked through.
    pub fn new(filter: LedgerFilter) -> std::result::Result<Self, DaysError> {
        if filter.days.count() > MAX_DAYS {
            Err(DaysError::MoreThan(MAX_DAYS))
        } else {
            Ok(Self(filter))
        }
    }

    /// The filter.
    #[must_use]
    pub const fn filter(&self) -> &LedgerFilter {
        &self.0
    }
}

/// Finds the messages of a selection that may be sent again, the oldest first, at most
/// [`MAX_AT_ONCE`].
pub async fn candidates(conn: &mut Conn, selection: &Selection) -> Result<Vec<MessageId>> {
    let filter = selection.filter();
    let (automation_id, one_off) = filter.made_by();
    let (begin, end) = (filter.days.begin(), filter.days.end());
    let codes = eligibility::codes_worth_another_try();
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

/// Says whether one message may be sent again now, and if not, why.
pub async fn verdict(conn: &mut Conn, id: MessageId) -> Result<std::result::Result<(), LeftOut>> {
    let found: Option<(MessageId, FactRow)> =
        Find { ids: &[id] }.get_result(conn).await.optional()?;
    let (_, facts) = found.ok_or(Error::NotFound("message"))?;
    Ok(circumstances(facts).judge())
}

/// Sends again those of some messages that still may be, and returns the new ones; the first thing
/// in the caller's transaction, up to [`CHUNK`] each.
///
/// Each is composed anew like any other message, so that a number that may not be texted by now is
/// not. Whoever asks for the same at the same time waits, and then finds that it is done.
pub async fn send_again(
    conn: &mut Conn,
    ids: &[MessageId],
    now: DateTime<Utc>,
) -> Result<Vec<MessageId>> {
    contacts::deletion::hold_off(conn).await?;
    // In a fixed order, so that two wishes for the same messages cannot wait for each other.
    let lock =
        messages::table.filter(messages::id.eq_any(ids)).order(messages::id).for_no_key_update();
    let locked: Vec<Message> = lock.select(Message::as_select()).load(conn).await?;
    let found: Vec<(MessageId, FactRow)> = Find { ids }.load(conn).await?;
    let may: Vec<MessageId> = found
        .into_iter()
        .filter(|(_, facts)| circumstances(facts.clone()).judge().is_ok())
        .map(|(id, _)| id)
        .collect();
    let drafts: Vec<Draft> =
        locked.into_iter().filter(|message| may.contains(&message.id)).filter_map(draft).collect();
    let composed = compose::compose(conn, now, drafts, Sends::Anyone).await?;
    Mark { now, ids: &composed.messages }.execute(conn).await?;
    Ok(composed.messages)
}

/// The message that repeats this one, if there is one.
pub async fn retry_of(conn: &mut Conn, id: MessageId) -> Result<Option<MessageId>> {
    Ok(messages::table
        .filter(messages::retry_of.eq(id))
        .select(messages::id)
        .first(conn)
        .await
        .optional()?)
}

/// The same text to the same person from the same sender.
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
