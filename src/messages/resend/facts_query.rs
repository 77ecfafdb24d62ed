//! The SQL that reads the facts about messages from which `eligibility.rs` decides.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Int4, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::eligibility::{Circumstances, Facts, LeftOutReason};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;

/// A message's status, error code, reason and facts, as `facts!` selects them.
pub(super) type FactRow =
    (MessageStatus, Option<i32>, Option<String>, bool, bool, bool, bool, bool, bool, bool);

/// Selects the facts about a message `m`. Deleting a contact removes it from its messages, and no
/// carrier has what Twilio never accepted. The suppression is not an `EXISTS`, for which PostgreSQL
/// would read all suppressions.
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
pub(super) use facts;

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

/// Checks whether one message may be resent now; the inner error says why not.
pub async fn check_eligibility(
    conn: &mut Conn,
    id: MessageId,
) -> Result<std::result::Result<(), LeftOutReason>> {
    let found: Option<(MessageId, FactRow)> =
        ReadFacts { ids: &[id] }.get_result(conn).await.optional()?;
    let (_, facts) = found.ok_or(Error::NotFound("message"))?;
    Ok(circumstances(facts).check())
}

/// Reads the current circumstances of messages.
pub(super) async fn read(
    conn: &mut Conn,
    ids: &[MessageId],
) -> Result<Vec<(MessageId, Circumstances)>> {
    let found: Vec<(MessageId, FactRow)> = ReadFacts { ids }.load(conn).await?;
    Ok(found.into_iter().map(|(id, row)| (id, circumstances(row))).collect())
}

/// The circumstances of a message whose facts were selected.
pub(super) fn circumstances(
    (
        status,
        error_code,
        reason,
        resent,
        has_contact,
        has_content,
        accepted,
        suppressed,
        at_carrier,
        doubtful,
    ): FactRow,
) -> Circumstances {
    let facts =
        Facts { resent, has_contact, has_content, accepted, suppressed, at_carrier, doubtful };
    Circumstances { status, error_code, reason, facts }
}
