//! A new rate of a sender, applied to the messages that wait.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::release_jobs::run_at_once;
use super::sender_throttle::lock;
use crate::db::Closing;
use crate::db::schema::throttles;
use crate::error::Result;
use crate::types::id::SenderId;

/// Applies a new rate at once to the messages that wait for a sender; call it in the transaction
/// that changes the rate.
pub async fn follow_new_rate(
    closing: &mut Closing<'_>,
    sender: SenderId,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some((_, throttle)) = lock(closing, &[sender]).await?.pop() else { return Ok(()) };
    let conn = closing.without_waiting();
    // The debt was computed at the old rate; at the new one it would be another number of parts.
    let free_at = throttle.bucket.free_at.min(now);
    diesel::update(throttles::table.find(sender))
        .set(throttles::free_at.eq(free_at))
        .execute(conn)
        .await?;
    run_at_once(conn, sender, now).await
}
