//! The gate between STOP and claim: after a suppression commits, no claim of a message to that
//! number succeeds.
//!
//! A claim checks suppressions in its own statement, and a suppression takes back the number's
//! pending messages. Only one hole is left: a message composed while the suppression's transaction
//! is open, claimed by a statement whose snapshot is older than the commit. The gate closes it. A
//! claim passes it before its statement (shared, so that claims do not wait for one another); a
//! suppression passes it alone as the last thing before its commit, so that it waits for the claims
//! under way, and those that come later see it. The claim waits for nothing else while it holds the
//! gate (it skips locked rows), so that no deadlock is possible.

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

/// Why a message to a contact that was deleted is not sent.
pub const CONTACT_DELETED: &str = "The contact was deleted.";

/// “Carillon STOP”.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5253_544f_5000);

/// Lets a claim through until its transaction ends; call it before the claim's statement takes its
/// snapshot.
pub(super) async fn pass_with_claims(conn: &Conn) -> Result<()> {
    Ok(LOCK.lock_shared(conn).await?)
}

statement! {
    /// Takes back every pending message to a line, however its number is written.
    struct TakeBack<'a> {
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

/// Takes back every pending message to a number that has just been suppressed in this transaction,
/// and returns them.
///
/// It must be the last thing in the transaction: it holds the gate that all claims pass, until the
/// commit.
pub async fn take_back_pending(
    conn: &mut Conn,
    phone: &PhoneNumber,
    reason: Reason,
    now: DateTime<Utc>,
) -> Result<Vec<MessageId>> {
    let taken = TakeBack { reason, now, addresses: &phone.forms() }.load(conn).await?;
    LOCK.lock_exclusive(conn).await?;
    Ok(taken)
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

/// Skips every pending message to a contact that is deleted in this transaction, and returns them:
/// nobody who was deleted is texted. The messages stay, without the contact, and know that it was
/// deleted: one that is being sent may yet come back to `pending`, and is then skipped by its next
/// claim.
///
/// The deletion has begun ([`deletion::begin`](crate::contacts::deletion::begin)), so that no
/// message to it is being composed.
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
