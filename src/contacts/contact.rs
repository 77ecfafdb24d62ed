//! The type [`Contact`], and the functions that find contacts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::{
    AsChangeset, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::db::Conn;
use crate::db::schema::contacts;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// A person with one phone number.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = contacts, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Contact {
    /// Identifies the contact; later contacts have greater ids.
    pub id: ContactId,
    /// Their phone number; no two contacts share one.
    pub phone: PhoneNumber,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// Their email address, checked lightly.
    pub email: Option<String>,
    /// Their id in another system, unique here.
    pub external_id: Option<String>,
    /// A JSON object of texts, numbers and booleans, see [`Attributes`](super::Attributes).
    pub attributes: Value,
    /// When they became a contact.
    pub created_at: DateTime<Utc>,
    /// When one of these fields last changed.
    pub updated_at: DateTime<Utc>,
}

impl Contact {
    /// The names of the fields that differ afterwards, without values: the audit log contains no
    /// phone numbers.
    #[must_use]
    pub fn changed_fields(&self, after: &Self) -> Vec<&'static str> {
        let fields = [
            (self.phone == after.phone, "number"),
            (self.first_name == after.first_name, "first name"),
            (self.last_name == after.last_name, "last name"),
            (self.email == after.email, "email address"),
            (self.external_id == after.external_id, "external id"),
            (self.attributes == after.attributes, "attributes"),
        ];
        fields.into_iter().filter(|(same, _)| !same).map(|(_, name)| name).collect()
    }

    /// First and last name, as far as they are known.
    pub fn full_name(&self) -> Option<String> {
        let names: Vec<_> =
            [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Their name, or else their number.
    pub fn label(&self) -> String {
        self.full_name().unwrap_or_else(|| self.phone.international())
    }

    /// Name and number, where the name alone may be ambiguous: `Ada Lovelace, +1 415 555 0123`.
    pub fn long_label(&self) -> String {
        let number = self.phone.international();
        self.full_name().map_or_else(|| number.clone(), |name| format!("{name}, {number}"))
    }
}

/// Finds a contact by id; [`Error::NotFound`] when there is none.
pub async fn find(conn: &mut Conn, id: ContactId) -> Result<Contact> {
    let found =
        contacts::table.find(id).select(Contact::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("contact"))
}

/// Finds a contact by phone number, in any form in which the number of its line is written.
pub async fn find_by_phone(conn: &mut Conn, phone: &PhoneNumber) -> Result<Option<Contact>> {
    let found = contacts::table
        .filter(contacts::phone.eq_any(phone.forms()))
        .select(Contact::as_select())
        .first(conn)
        .await;
    Ok(found.optional()?)
}

/// Finds a contact by its id in another system.
pub async fn find_by_external_id(conn: &mut Conn, external_id: &str) -> Result<Option<Contact>> {
    let found = contacts::table
        .filter(contacts::external_id.eq(external_id))
        .select(Contact::as_select())
        .first(conn)
        .await;
    Ok(found.optional()?)
}

/// Finds many contacts by id in one query, in no particular order; unknown ids are left out.
pub async fn find_many(mut conn: &Conn, ids: &[ContactId]) -> Result<Vec<Contact>> {
    Ok(contacts::table
        .filter(contacts::id.eq_any(ids))
        .select(Contact::as_select())
        .load(&mut conn)
        .await?)
}

/// The newest contacts, at most `limit`.
pub async fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<Contact>> {
    Ok(contacts::table
        .order(contacts::id.desc())
        .limit(limit)
        .select(Contact::as_select())
        .load(conn)
        .await?)
}

/// Those of these ids that belong to contacts, in no particular order.
pub async fn existing(conn: &mut Conn, ids: &[ContactId]) -> Result<Vec<ContactId>> {
    Ok(contacts::table.filter(contacts::id.eq_any(ids)).select(contacts::id).load(conn).await?)
}

/// The contacts with these numbers, in no particular order, each with the number as it was
/// requested; unknown ones are left out.
pub async fn ids_by_phone(
    conn: &mut Conn,
    phones: &[PhoneNumber],
) -> Result<Vec<(PhoneNumber, ContactId)>> {
    let other_forms: HashMap<PhoneNumber, &PhoneNumber> =
        phones.iter().filter_map(|phone| phone.other_form().map(|other| (other, phone))).collect();
    let columns = (contacts::phone, contacts::id);
    let mut found: Vec<(PhoneNumber, ContactId)> =
        contacts::table.filter(contacts::phone.eq_any(phones)).select(columns).load(conn).await?;
    if !other_forms.is_empty() {
        let written: Vec<&PhoneNumber> = other_forms.keys().collect();
        let rows: Vec<(PhoneNumber, ContactId)> = contacts::table
            .filter(contacts::phone.eq_any(written))
            .select(columns)
            .load(conn)
            .await?;
        found.extend(
            rows.into_iter()
                .filter_map(|(phone, id)| Some(((*other_forms.get(&phone)?).clone(), id))),
        );
    }
    Ok(found)
}

/// The contacts with these ids in another system, in no particular order; unknown ids are left out.
pub async fn ids_by_external_id(
    conn: &mut Conn,
    external_ids: &[String],
) -> Result<Vec<(String, ContactId)>> {
    let named = contacts::table.filter(contacts::external_id.eq_any(external_ids));
    let found: Vec<(Option<String>, ContactId)> =
        named.select((contacts::external_id, contacts::id)).load(conn).await?;
    Ok(found
        .into_iter()
        .filter_map(|(external_id, id)| external_id.map(|external_id| (external_id, id)))
        .collect())
}

/// Turns the violation of a unique index into an error on its field.
pub(super) fn as_field_error(error: Error) -> Error {
    error
        .on_constraint("contacts_phone_key", "phone", "This number is already a contact.")
        .on_constraint(
            "contacts_argentine_line_key",
            "phone",
            "This number is already a contact, written the other way.",
        )
        .on_constraint("contacts_external_id_key", "external_id", "Another contact has this id.")
}
