//! Held messages: they stay `pending` while their connection, sender or automation is switched off,
//! and resume when it is switched on again.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::{jobs, messages, queued_sends, senders, throttles};
use crate::db::{Closing, Conn};
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::messages::throttle;
use crate::queue;
use crate::types::id::{AutomationId, ConnectionId, MessageId, SenderId};

/// Which held messages resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeScope {
    /// A connection that was switched on again.
    Connection(ConnectionId),
    /// A sender that was switched on again.
    Sender(SenderId),
    /// An automation that was activated again.
    Automation(AutomationId),
}

/// Enqueues a job for every `pending` message in scope that has no waiting job and is not in its
/// sender's queue, and returns how many. The queues resume by themselves.
///
/// Call it in the transaction that switches the connection, sender or automation on.
pub async fn wake(
    closing: &mut Closing<'_>,
    scope: WakeScope,
    now: DateTime<Utc>,
) -> Result<usize> {
    let queues = queues(closing.without_waiting(), scope).await?;
    // This locks the queues: no message enters or leaves them from here on, so none is missed.
    throttle::ensure_releasing(closing, &queues, now).await?;
    // A leased job does not count: its claim may just have found the message held, and the job is
    // about to end. Two jobs for one message do no harm.
    let has_job = jobs::table
        .filter(jobs::subject.eq(messages::id))
        .filter(jobs::worker_id.is_null())
        .filter(jobs::failed_at.is_null())
        .select(jobs::id);
    let is_queued = queued_sends::table
        .filter(queued_sends::message_id.eq(messages::id))
        .filter(queued_sends::released_at.is_null())
        .select(queued_sends::message_id);
    let mut held = messages::table
        .filter(messages::status.eq(MessageStatus::Pending))
        .filter(diesel::dsl::not(diesel::dsl::exists(has_job)))
        .filter(diesel::dsl::not(diesel::dsl::exists(is_queued)))
        .select(messages::id)
        .order(messages::id)
        .into_boxed();
    held = match scope {
        WakeScope::Connection(id) => held.filter(messages::connection_id.eq(id)),
        WakeScope::Sender(id) => held.filter(messages::sender_id.eq(id)),
        WakeScope::Automation(id) => held.filter(messages::automation_id.eq(id)),
    };
    let conn = closing.without_waiting();
    let ids: Vec<MessageId> = held.load(conn).await?;
    queue::enqueue_sends(conn, &ids, now).await?;
    Ok(ids.len())
}

/// The senders whose queues may hold messages in scope.
async fn queues(conn: &mut Conn, scope: WakeScope) -> Result<Vec<SenderId>> {
    let mut throttled = throttles::table
        .inner_join(senders::table)
        .select(senders::id)
        .order(senders::id)
        .into_boxed();
    throttled = match scope {
        WakeScope::Connection(id) => throttled.filter(senders::connection_id.eq(id)),
        WakeScope::Sender(id) => throttled.filter(senders::id.eq(id)),
        // An automation may send from any sender.
        WakeScope::Automation(_) => throttled.filter(throttles::waiting_messages.gt(0)),
    };
    Ok(throttled.load(conn).await?)
}
