//! Many contacts in a few statements, with all their fields: locked, created and changed.

use chrono::{DateTime, Utc};
use diesel::prelude::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::contact::Contact;
use super::contact_change::ContactChange;
use super::create::initial_changes;
use crate::db::Conn;
use crate::db::schema::contacts;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// How contacts are locked: a tag can be added meanwhile unless their numbers change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    /// To change fields other than the number.
    ForFields,
    /// To change the number, too.
    ForNumbers,
}

statement! {
    /// Inserts contacts in the order of their numbers, so that two batches wait for each other
    /// instead of deadlocking. An external id that another contact has is left out.
    struct Insert<'a> {
        contact: batch of InsertRow<'a> {
            id: ContactId => SqlUuid,
            phone: &'a PhoneNumber => Text,
            first_name: Option<&'a str> => Nullable<Text>,
            last_name: Option<&'a str> => Nullable<Text>,
            email: Option<&'a str> => Nullable<Text>,
            external_id: Option<&'a str> => Nullable<Text>,
            attributes: &'a Value => Jsonb,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "INSERT INTO contacts
         (id, phone, first_name, last_name, email, external_id, attributes, created_at, updated_at)
     SELECT contact.id, contact.phone, contact.first_name, contact.last_name, contact.email,
         CASE WHEN EXISTS (
             SELECT FROM contacts AS other WHERE other.external_id = contact.external_id
         ) THEN NULL ELSE contact.external_id END,
         contact.attributes, {now}, {now}
     FROM {contact}
     ORDER BY contact.phone COLLATE \"C\""
}

statement! {
    /// Changes all fields but the number. An external id that another contact has is left out.
    struct Update<'a> {
        changed: batch of UpdateRow<'a> {
            id: ContactId => SqlUuid,
            first_name: Option<&'a str> => Nullable<Text>,
            last_name: Option<&'a str> => Nullable<Text>,
            email: Option<&'a str> => Nullable<Text>,
            external_id: Option<&'a str> => Nullable<Text>,
            attributes: &'a Value => Jsonb,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "UPDATE contacts
     SET first_name = changed.first_name, last_name = changed.last_name, email = changed.email,
         external_id = CASE WHEN EXISTS (
             SELECT FROM contacts AS other
             WHERE other.external_id = changed.external_id AND other.id <> changed.id
         ) THEN contacts.external_id ELSE changed.external_id END,
         attributes = changed.attributes, updated_at = {now}
     FROM {changed}
     WHERE contacts.id = changed.id"
}

statement! {
    /// Clears external ids that other contacts take over.
    struct ReleaseExternalIds<'a> { ids: &'a [ContactId] => Array<SqlUuid> }
    returns ();
    "UPDATE contacts SET external_id = NULL WHERE id = ANY ({ids})"
}

/// Locks contacts in the order of their ids, and returns them as they are now; unknown ids are left
/// out.
pub async fn lock_many(conn: &mut Conn, ids: &[ContactId], lock: RowLock) -> Result<Vec<Contact>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let named = contacts::table
        .filter(contacts::id.eq_any(ids))
        .order(contacts::id)
        .select(Contact::as_select());
    Ok(match lock {
        RowLock::ForFields => named.for_no_key_update().load(conn).await?,
        RowLock::ForNumbers => named.for_update().load(conn).await?,
    })
}

/// Creates contacts, with the STOP tag if their number has opted out. A number that another
/// transaction has just used is a violation of the unique index.
pub async fn create_many(
    conn: &mut Conn,
    new: &[Contact],
    now: DateTime<Utc>,
) -> Result<Vec<ContactChange>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let rows = new.iter().map(|contact| InsertRow {
        id: contact.id,
        phone: &contact.phone,
        first_name: contact.first_name.as_deref(),
        last_name: contact.last_name.as_deref(),
        email: contact.email.as_deref(),
        external_id: contact.external_id.as_deref(),
        attributes: &contact.attributes,
    });
    Insert { contact: rows.collect(), now }.execute(conn).await?;
    initial_changes(conn, new, now).await
}

/// Changes all fields but the number of contacts that the caller has locked.
pub async fn update_many(conn: &mut Conn, changed: &[Contact], now: DateTime<Utc>) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows = changed.iter().map(|contact| UpdateRow {
        id: contact.id,
        first_name: contact.first_name.as_deref(),
        last_name: contact.last_name.as_deref(),
        email: contact.email.as_deref(),
        external_id: contact.external_id.as_deref(),
        attributes: &contact.attributes,
    });
    Update { changed: rows.collect(), now }.execute(conn).await?;
    Ok(())
}

/// Clears the external ids of contacts that the caller has locked, so that other contacts can have
/// them.
pub async fn release_external_ids(conn: &mut Conn, ids: &[ContactId]) -> Result<()> {
    if !ids.is_empty() {
        ReleaseExternalIds { ids }.execute(conn).await?;
    }
    Ok(())
}
