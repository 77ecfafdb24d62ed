//! Release jobs, which release the messages in a sender's queue: starting one, and making it due.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::sender_throttle::lock;
use crate::db::schema::{jobs, throttles};
use crate::db::{Closing, Conn};
use crate::error::Result;
use crate::queue::{self, Job, JobKind, NewJob};
use crate::types::id::SenderId;

/// Starts the release job of each of these senders that has a queue and no such job.
///
/// It locks the throttles, so that later reads see what releases and claims have written.
pub(in crate::messages) async fn ensure_releasing(
    closing: &mut Closing<'_>,
    senders: &[SenderId],
    now: DateTime<Utc>,
) -> Result<()> {
    let locked = lock(closing, senders).await?;
    let idle = locked
        .iter()
        .filter(|(_, throttle)| throttle.waiting_messages > 0 && !throttle.releasing)
        .map(|(id, _)| *id);
    start_releasing(closing.without_waiting(), &idle.collect::<Vec<_>>(), now, now).await
}

/// Enqueues a release job for each of these senders; their throttles must be locked, and have none.
pub(super) async fn start_releasing(
    conn: &mut Conn,
    senders: &[SenderId],
    run_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    if senders.is_empty() {
        return Ok(());
    }
    diesel::update(throttles::table.filter(throttles::sender_id.eq_any(senders)))
        .set(throttles::releasing.eq(true))
        .execute(conn)
        .await?;
    let jobs: Vec<NewJob> =
        senders.iter().map(|id| NewJob { job: Job::Release(*id), run_at }).collect();
    queue::enqueue(conn, &jobs, now).await
}

/// Makes the release job of a sender due at once, if it waits for a later time.
pub(super) async fn run_at_once(
    conn: &mut Conn,
    sender: SenderId,
    now: DateTime<Utc>,
) -> Result<()> {
    let waiting_job = jobs::table
        .filter(jobs::kind.eq(JobKind::Release.as_str()))
        .filter(jobs::subject.eq(sender.0))
        .filter(jobs::worker_id.is_null())
        .filter(jobs::run_at.gt(now));
    diesel::update(waiting_job).set(jobs::run_at.eq(now)).execute(conn).await?;
    Ok(())
}
