//! Deleting contacts while other transactions refer to them: one that stores ids of contacts holds
//! deletions off, and a deletion waits for it.
//!
//! This replaces foreign keys, which would check and lock a contact for each of a million events
//! (docs/adr/0004).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::advisory_lock::AdvisoryLock;
use crate::db::schema::contacts;
use crate::error::{Error, Result};
use crate::types::id::ContactId;

/// The advisory lock “Carillon GONE”.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5247_4f4e_4500);

/// Prevents the deletion of contacts until the transaction ends. Call it before the transaction
/// takes any other lock.
pub async fn hold_off(conn: &Conn) -> Result<()> {
    Ok(LOCK.lock_shared(conn).await?)
}

/// Begins to delete a contact, once no other transaction holds deletions off, and locks it.
/// [`Error::NotFound`] if it no longer exists.
pub async fn begin(conn: &mut Conn, id: ContactId) -> Result<()> {
    LOCK.lock_exclusive(conn).await?;
    let found: Option<ContactId> =
        contacts::table.find(id).select(contacts::id).for_update().first(conn).await.optional()?;
    found.map(drop).ok_or(Error::NotFound("contact"))
}

/// Deletes a contact with its tags; messages stay, and so do the number's suppressions and consent
/// records. The caller ends its events, enrollments and pending messages, see
/// `automations::consequences`.
pub async fn finish(conn: &mut Conn, id: ContactId) -> Result<()> {
    diesel::delete(contacts::table.find(id)).execute(conn).await?;
    Ok(())
}
