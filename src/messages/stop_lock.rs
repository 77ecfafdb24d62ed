//! The advisory lock between STOP and claim: once a suppression commits, no claim of a message to
//! that number succeeds.
//!
//! A claim checks suppressions in its own statement, and a suppression also stops pending messages.
//! One race remains: a message composed while the suppression's transaction is open, claimed by a
//! statement whose snapshot is older than the commit. The lock closes it. A claim takes it shared,
//! before its statement; a suppression takes it exclusively, immediately before its commit. Both
//! are [`Closing`] then and wait for nothing else (a claim skips locked rows), so no deadlock is
//! possible.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use futures::try_join;

use crate::consent::Reason;
use crate::db::advisory_lock::AdvisoryLock;
use crate::db::statement::statement;
use crate::db::{Begun, Closing, Tx, generic_plans};
use crate::error::Result;
use crate::types::phone::PhoneNumber;

/// The key of the lock: “CARSTOP” in ASCII.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5253_544f_5000);

/// Takes the lock shared until the claim's transaction ends, before the claim's statement takes its
/// snapshot; forces generic plans in the same round trip.
pub(super) async fn lock_for_claim(tx: Begun<'_>) -> Result<Closing<'_>> {
    let conn = tx.first_statements();
    try_join!(generic_plans::force(conn), LOCK.lock_shared(conn))?;
    Ok(tx.open().close())
}

/// Takes the lock shared for messages that are composed as claimed ones, like [`lock_for_claim`].
pub(super) async fn lock_for_compose(tx: Tx<'_>) -> Result<Closing<'_>> {
    LOCK.lock_shared(&tx).await?;
    Ok(tx.close())
}

statement! {
    /// Suppresses every pending message to a line, in every form of its number.
    struct SuppressPending<'a> {
        reason: Reason => Text,
        now: DateTime<Utc> => Timestamptz,
        addresses: &'a [PhoneNumber] => Array<Text>,
    }
    returns ();
    "WITH moved AS (
         UPDATE messages SET status = 'suppressed', reason = {reason}, status_at = {now}
         WHERE to_address = ANY ({addresses}) AND status = 'pending'
         RETURNING id, status_at
     )
     INSERT INTO delivery_events (message_id, status, source, applied, received_at)
     SELECT id, 'suppressed', 'carillon', true, status_at FROM moved"
}

/// Suppresses every pending message to numbers that this transaction suppresses, each with its
/// reason. From then on until the commit, it blocks all claims if there is such a number.
pub async fn suppress_pending<'t>(
    mut tx: Tx<'t>,
    suppressed: &[(PhoneNumber, Reason)],
    now: DateTime<Utc>,
) -> Result<Closing<'t>> {
    for (phone, reason) in suppressed {
        SuppressPending { reason: *reason, now, addresses: &phone.forms() }
            .execute(&mut *tx)
            .await?;
    }
    if !suppressed.is_empty() {
        LOCK.lock_exclusive(&mut tx).await?;
    }
    Ok(tx.close())
}
