//! Resending messages in one transaction: each is composed anew, and marked as resent.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::facts_query;
use crate::contacts::deletion;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::db::{Begun, Closing, Conn};
use crate::error::Result;
use crate::messages::compose::{self, Draft, DraftOrigin, SendBy};
use crate::messages::message::Message;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// How many messages one transaction resends; see [`resend_messages`].
pub const CHUNK: usize = 500;

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

/// Resends those messages that are still eligible, of up to [`CHUNK`], and returns the new ones.
///
/// Each is composed anew like any other message, so a number that is suppressed by now gets
/// nothing. A concurrent call for the same message waits, and then finds it resent.
pub async fn resend_messages<'t>(
    tx: Begun<'t>,
    ids: &[MessageId],
    now: DateTime<Utc>,
) -> Result<(Vec<MessageId>, Closing<'t>)> {
    let mut tx = deletion::hold_off(tx).await?;
    // In id order, so that two calls with the same messages cannot deadlock.
    let lock =
        messages::table.filter(messages::id.eq_any(ids)).order(messages::id).for_no_key_update();
    let locked: Vec<Message> = lock.select(Message::as_select()).load(&mut *tx).await?;
    let eligible: Vec<MessageId> = facts_query::read(&mut tx, ids)
        .await?
        .into_iter()
        .filter(|(_, circumstances)| circumstances.check().is_ok())
        .map(|(id, _)| id)
        .collect();
    let drafts: Vec<Draft> = locked
        .into_iter()
        .filter(|message| eligible.contains(&message.id))
        .filter_map(draft)
        .collect();
    let (composed, mut closing) = compose::compose_many(tx, now, drafts, SendBy::AnyWorker).await?;
    MarkResent { now, ids: &composed.messages }.execute(closing.without_waiting()).await?;
    Ok((composed.messages, closing))
}

/// The message that resends this one, if there is one.
pub async fn resent_by(conn: &mut Conn, id: MessageId) -> Result<Option<MessageId>> {
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
        origin: DraftOrigin::Resend { of: message.id, automation_id: message.automation_id },
        contact_id: message.contact_id,
        sender_id: message.sender_id?,
        to: Ok(PhoneNumber::from_e164(&message.to_address).ok()?.current()),
        text: Ok(message.body),
        template: message.template_id.zip(message.template_version),
        media_urls: message.media_urls,
    })
}
