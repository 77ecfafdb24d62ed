//! Deleting contacts while other transactions refer to them: one that stores ids of contacts holds
//! deletions off ([`ContactsHeld`]), and a [`Deletion`] waits for it.
//!
//! This replaces foreign keys, which would check and lock a contact for each of a million events
//! (docs/adr/0004).

use std::ops::{Deref, DerefMut};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::try_join;

use crate::db::advisory_lock::AdvisoryLock;
use crate::db::schema::contacts;
use crate::db::{Begun, Conn, Tx, generic_plans};
use crate::error::{Error, Result};
use crate::types::id::ContactId;

/// The advisory lock “Carillon GONE”.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_5247_4f4e_4500);

/// A transaction that holds deletions of contacts off until it ends; dereferences to [`Conn`].
#[derive(Debug)]
pub struct ContactsHeld<'t>(Tx<'t>);

/// A transaction that deletes a contact, which it has locked; dereferences to [`Conn`].
#[derive(Debug)]
pub struct Deletion<'t> {
    tx: Tx<'t>,
    contact_id: ContactId,
}

/// Prevents the deletion of contacts until the transaction ends.
pub async fn hold_off(tx: Begun<'_>) -> Result<ContactsHeld<'_>> {
    LOCK.lock_shared(tx.first_statements()).await?;
    Ok(ContactsHeld(tx.open()))
}

/// Like [`hold_off`], for a transaction that processes a batch: it also forces generic plans, in
/// the same round trip.
pub async fn hold_off_with_generic_plans(tx: Begun<'_>) -> Result<ContactsHeld<'_>> {
    let conn = tx.first_statements();
    try_join!(generic_plans::force(conn), LOCK.lock_shared(conn))?;
    Ok(ContactsHeld(tx.open()))
}

/// Begins to delete a contact, once no other transaction holds deletions off, and locks it.
/// [`Error::NotFound`] if it no longer exists.
pub async fn begin(tx: Begun<'_>, contact_id: ContactId) -> Result<Deletion<'_>> {
    let mut tx = tx.open();
    LOCK.lock_exclusive(&mut tx).await?;
    let contact = contacts::table.find(contact_id).select(contacts::id).for_update();
    let found: Option<ContactId> = contact.first(&mut *tx).await.optional()?;
    found.map(|contact_id| Deletion { tx, contact_id }).ok_or(Error::NotFound("contact"))
}

impl<'t> Deletion<'t> {
    /// The contact.
    #[must_use]
    pub const fn contact_id(&self) -> ContactId {
        self.contact_id
    }

    /// Deletes the contact with its tags; messages stay, and so do the number's suppressions and
    /// consent records. The caller has ended its events, enrollments and pending messages, see
    /// `automations::consequences`.
    pub async fn finish(mut self) -> Result<Tx<'t>> {
        let contact = contacts::table.find(self.contact_id);
        diesel::delete(contact).execute(&mut *self.tx).await?;
        Ok(self.tx)
    }
}

impl<'t> From<ContactsHeld<'t>> for Tx<'t> {
    fn from(held: ContactsHeld<'t>) -> Self {
        held.0
    }
}

impl Deref for ContactsHeld<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for ContactsHeld<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

impl Deref for Deletion<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.tx
    }
}

impl DerefMut for Deletion<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.tx
    }
}
