//! Creating contacts: one from a form, or all that are missing for some numbers.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::{Insertable, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::contact::{Contact, as_field_error, find_by_phone, ids_by_phone};
use super::contact_change::ContactChange;
use super::fields::{Attributes, Email, ExternalId, Name};
use super::stop_tag::tag_stopped;
use crate::db::Conn;
use crate::db::schema::contacts;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// A contact that is about to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewContact {
    /// Their phone number.
    pub phone: PhoneNumber,
    /// Their first name.
    pub first_name: Option<Name>,
    /// Their last name.
    pub last_name: Option<Name>,
    /// Their email address.
    pub email: Option<Email>,
    /// Their id in another system.
    pub external_id: Option<ExternalId>,
    /// Named values.
    pub attributes: Attributes,
}

impl NewContact {
    /// A contact with nothing but a number.
    pub fn with_phone(phone: PhoneNumber) -> Self {
        Self {
            phone,
            first_name: None,
            last_name: None,
            email: None,
            external_id: None,
            attributes: Attributes::default(),
        }
    }
}

/// Creates a contact; a number or external id that another contact has is an error of that field.
///
/// If the number has opted out already, the contact gets the STOP tag, see `stop_tag`.
pub async fn create(
    conn: &mut Conn,
    new: NewContact,
    now: DateTime<Utc>,
) -> Result<(Contact, Vec<ContactChange>)> {
    let created: Contact = diesel::insert_into(contacts::table)
        .values(Row::new(new, now))
        .returning(Contact::as_returning())
        .get_result(conn)
        .await
        .map_err(|error| as_field_error(error.into()))?;
    let changes = initial_changes(conn, std::slice::from_ref(&created), now).await?;
    Ok((created, changes))
}

/// Finds the contact with this number, or creates one with nothing but the number.
pub async fn find_or_create_by_phone(
    conn: &mut Conn,
    phone: &PhoneNumber,
    now: DateTime<Utc>,
) -> Result<(Contact, Vec<ContactChange>)> {
    if let Some(contact) = find_by_phone(conn, phone).await? {
        return Ok((contact, Vec::new()));
    }
    let (mut created, changes) = create_missing(conn, std::slice::from_ref(phone), now).await?;
    let contact = match created.pop() {
        Some(contact) => Some(contact),
        None => find_by_phone(conn, phone).await?,
    };
    let contact = contact.ok_or_else(|| {
        Error::Refused("Another user has just deleted this contact. Try again.".to_owned())
    })?;
    Ok((contact, changes))
}

/// Finds or creates a contact for each of many numbers in three statements; the result is in no
/// particular order, one per distinct number.
pub async fn find_or_create_many_by_phone(
    conn: &mut Conn,
    phones: &[PhoneNumber],
    now: DateTime<Utc>,
) -> Result<(Vec<(PhoneNumber, ContactId)>, Vec<ContactChange>)> {
    let mut found = ids_by_phone(conn, phones).await?;
    let known: HashSet<&PhoneNumber> = found.iter().map(|(phone, _)| phone).collect();
    let mut missing: Vec<_> =
        phones.iter().filter(|phone| !known.contains(phone)).cloned().collect();
    // A fixed order, so that two transactions that insert the same numbers wait for each other
    // instead of deadlocking.
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok((found, Vec::new()));
    }
    let (created, changes) = create_missing(conn, &missing, now).await?;
    if created.len() < missing.len() {
        // Another transaction created these between the two statements; it has committed, so that
        // they are visible now.
        let created: HashSet<&PhoneNumber> = created.iter().map(|contact| &contact.phone).collect();
        missing.retain(|phone| !created.contains(phone));
        found.extend(ids_by_phone(conn, &missing).await?);
    }
    found.extend(created.into_iter().map(|contact| (contact.phone, contact.id)));
    Ok((found, changes))
}

/// Creates contacts with nothing but a number; those that another transaction created in the
/// meantime are left out.
async fn create_missing(
    conn: &mut Conn,
    phones: &[PhoneNumber],
    now: DateTime<Utc>,
) -> Result<(Vec<Contact>, Vec<ContactChange>)> {
    let rows: Vec<_> =
        phones.iter().cloned().map(|phone| Row::new(NewContact::with_phone(phone), now)).collect();
    let created: Vec<Contact> = diesel::insert_into(contacts::table)
        .values(rows)
        // A conflict can also be with the index of Argentine lines.
        .on_conflict_do_nothing()
        .returning(Contact::as_returning())
        .get_results(conn)
        .await?;
    let changes = initial_changes(conn, &created, now).await?;
    Ok((created, changes))
}

/// The changes of new contacts: their creation, and the STOP tag if the number has opted out.
pub(super) async fn initial_changes(
    conn: &mut Conn,
    created: &[Contact],
    now: DateTime<Utc>,
) -> Result<Vec<ContactChange>> {
    let mut changes: Vec<_> =
        created.iter().map(|contact| ContactChange::ContactCreated(contact.id)).collect();
    changes.extend(tag_stopped(conn, created, now).await?);
    Ok(changes)
}

#[derive(Insertable)]
#[diesel(table_name = contacts)]
struct Row {
    id: ContactId,
    phone: PhoneNumber,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
    attributes: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn new(new: NewContact, now: DateTime<Utc>) -> Self {
        Self {
            id: ContactId::new(),
            phone: new.phone,
            first_name: new.first_name.map(String::from),
            last_name: new.last_name.map(String::from),
            email: new.email.map(String::from),
            external_id: new.external_id.map(String::from),
            attributes: new.attributes.into_value(),
            created_at: now,
            updated_at: now,
        }
    }
}
