//! Deleting contacts while others refer to them: whoever writes down contacts holds deletions off,
//! and a deletion waits for them.
//!
//! It takes the place of foreign keys, which would check and lock a contact for each of a million
//! events (docs/adr/0004).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::advisory_lock::AdvisoryLock;
use crate::db::schema::contacts;
use crate::error::{Error, Result};
use crate::types::id::ContactId;

/// “Carillon GONE”.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5247_4f4e_4500);

/// Keeps every contact that is found from here on until the transaction ends. It comes before
/// anything that the transaction locks.
pub async fn hold_off(conn: &Conn) -> Result<()> {
    Ok(LOCK.lock_shared(conn).await?)
}

/// Begins a transaction that deletes a contact: nobody else has it or is about to refer to it.
/// [`Error::NotFound`] when it is gone.
pub async fn begin(conn: &mut Conn, id: ContactId) -> Result<()> {
    LOCK.lock_exclusive(conn).await?;
    let found: Option<ContactId> =
        contacts::table.find(id).select(contacts::id).for_update().first(conn).await.optional()?;
    found.map(drop).ok_or(Error::NotFound("contact"))
}

/// Deletes a contact with its tags; messages stay, and so do the number's suppressions and consent.
/// Its events, enrollments and pending messages are the caller's to end, see
/// `automations::consequences`.
pub async fn finish(conn: &mut Conn, id: ContactId) -> Result<()> {
    diesel::delete(contacts::table.find(id)).execute(conn).await?;
    Ok(())
}
