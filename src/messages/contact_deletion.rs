//! What becomes of the messages to a contact that is deleted: pending ones are skipped, and all
//! stay without the contact.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::contacts::deletion::Deletion;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::{ContactId, EnrollmentId};

/// The reason on a message that is skipped because its contact was deleted.
pub const CONTACT_DELETED: &str = "The contact was deleted.";

statement! {
    /// Skips every pending message to a contact.
    struct Skip<'a> {
        reason: &'a str => Text,
        now: DateTime<Utc> => Timestamptz,
        contact_id: ContactId => SqlUuid,
    }
    returns ();
    "WITH moved AS (
         UPDATE messages SET status = 'skipped', reason = {reason}, status_at = {now}
         WHERE contact_id = {contact_id} AND status = 'pending'
         RETURNING id, status_at
     )
     INSERT INTO delivery_events (message_id, status, source, applied, received_at)
     SELECT id, 'skipped', 'carillon', true, status_at FROM moved"
}

/// Skips every pending message to the contact of a deletion.
///
/// All its messages stay, without the contact but marked: one that is being sent may return to
/// `pending`, and its next claim then skips it. No message to the contact is being composed,
/// because the deletion has begun.
pub async fn forget_contact(deletion: &mut Deletion<'_>, now: DateTime<Utc>) -> Result<()> {
    let contact_id = deletion.contact_id();
    Skip { reason: CONTACT_DELETED, now, contact_id }.execute(&mut **deletion).await?;
    diesel::update(messages::table.filter(messages::contact_id.eq(contact_id)))
        .set((
            messages::contact_id.eq(None::<ContactId>),
            messages::enrollment_id.eq(None::<EnrollmentId>),
            messages::contact_deleted_at.eq(now),
        ))
        .execute(&mut **deletion)
        .await?;
    Ok(())
}
