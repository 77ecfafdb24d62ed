//! The advisory lock between STOP and claim: once a suppression commits, no claim of a message to
//! that number succeeds.
//!
//! A claim checks suppressions in its own statement, and a suppression also stops pending messages.
//! One race remains: a message composed while the suppression's transaction is open, claimed by a
//! statement whose snapshot is older than the commit. The lock closes it. A claim takes it shared,
//! before its statement; a suppression takes it exclusively, as the last thing before its commit. A
//! claim waits for nothing else while it holds the lock (it skips locked rows), so no deadlock is
//! possible.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::consent::Reason;
use crate::db::Conn;
use crate::db::advisory_lock::AdvisoryLock;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::{ContactId, EnrollmentId, MessageId};
use crate::types::phone::PhoneNumber;

/// The reason on a message that is skipped because its contact was deleted.
pub const CONTACT_DELETED: &str = "The contact was deleted.";

/// The key of the lock: “CARSTOP” in ASCII.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5253_544f_5000);

/// Takes the lock shared until the claim's transaction ends; call it before the claim's statement
/// takes its snapshot.
pub(super) async fn lock_for_claim(conn: &Conn) -> Result<()> {
    Ok(LOCK.lock_shared(conn).await?)
}

statement! {
    /// Suppresses every pending message to a line, in every form of its number.
    struct SuppressPending<'a> {
        reason: Reason => Text,
        now: DateTime<Utc> => Timestamptz,
        addresses: &'a [PhoneNumber] => Array<Text>,
    }
    returns SqlUuid;
    "WITH moved AS (
         UPDATE messages SET status = 'suppressed', reason = {reason}, status_at = {now}
         WHERE to_address = ANY ({addresses}) AND status = 'pending'
         RETURNING id, status_at
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, 'suppressed', 'carillon', true, status_at FROM moved
     )
     SELECT id FROM moved"
}

/// Suppresses every pending message to a number that this transaction suppresses, and returns them.
///
/// Call it last in the transaction: until the commit it holds the lock, which blocks all claims.
pub async fn suppress_pending(
    conn: &mut Conn,
    phone: &PhoneNumber,
    reason: Reason,
    now: DateTime<Utc>,
) -> Result<Vec<MessageId>> {
    let suppressed = SuppressPending { reason, now, addresses: &phone.forms() }.load(conn).await?;
    LOCK.lock_exclusive(conn).await?;
    Ok(suppressed)
}

statement! {
    /// Skips every pending message to a contact.
    struct Skip<'a> {
        reason: &'a str => Text,
        now: DateTime<Utc> => Timestamptz,
        contact_id: ContactId => SqlUuid,
    }
    returns SqlUuid;
    "WITH moved AS (
         UPDATE messages SET status = 'skipped', reason = {reason}, status_at = {now}
         WHERE contact_id = {contact_id} AND status = 'pending'
         RETURNING id, status_at
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, 'skipped', 'carillon', true, status_at FROM moved
     )
     SELECT id FROM moved"
}

/// Skips every pending message to a contact that this transaction deletes, and returns them.
///
/// All its messages stay, without the contact but marked: one that is being sent may return to
/// `pending`, and its next claim then skips it. No message to the contact is being composed,
/// because the deletion has begun ([`deletion::begin`](crate::contacts::deletion::begin)).
pub async fn forget_contact(
    conn: &mut Conn,
    contact_id: ContactId,
    now: DateTime<Utc>,
) -> Result<Vec<MessageId>> {
    let skipped = Skip { reason: CONTACT_DELETED, now, contact_id }.load(conn).await?;
    diesel::update(messages::table.filter(messages::contact_id.eq(contact_id)))
        .set((
            messages::contact_id.eq(None::<ContactId>),
            messages::enrollment_id.eq(None::<EnrollmentId>),
            messages::contact_deleted_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(skipped)
}
