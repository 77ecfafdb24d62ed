//! What follows from a change of contacts, whichever way it came in: automations react, pending messages are taken back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::automations::enroll;
use crate::contacts::suppressions::Reason;
use crate::contacts::{self, Change};
use crate::db::Conn;
use crate::db::schema::enrollments;
use crate::error::Result;
use crate::messages::stop;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// Lets automations react, in the transaction of the changes; then takes back what is pending to a number that was silenced.
///
/// It is the last thing in its transaction, see [`stop::take_back_pending`].
pub async fn follow(conn: &mut Conn, changes: &[Change], silenced: Option<(&PhoneNumber, Reason)>, now: DateTime<Utc>) -> Result<()> {
    enroll::react(conn, now, changes).await?;
    if let Some((phone, reason)) = silenced {
        stop::take_back_pending(conn, phone, reason, now).await?;
    }
    Ok(())
}

/// Deletes a contact with its enrollments, and takes back what is pending to it.
pub async fn delete_contact(conn: &mut Conn, id: ContactId, now: DateTime<Utc>) -> Result<()> {
    // Enrollments first: a worker that advances one has it locked, and holds the contact next.
    diesel::delete(enrollments::table.filter(enrollments::contact_id.eq(id))).execute(conn).await?;
    contacts::lock(conn, id).await?;
    stop::forget_contact(conn, id, now).await?;
    contacts::delete(conn, id).await
}
