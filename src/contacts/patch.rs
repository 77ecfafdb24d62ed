//! Changing some fields of a contact and leaving the others as they are.

use chrono::{DateTime, Utc};
use diesel::prelude::{OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::ContactChange;
use super::contact::{Contact, as_field_error};
use super::fields::{Attributes, Email, ExternalId, InvalidField, Name};
use super::stop_tag::tag_stopped;
use crate::consent::{Reason, Requester, suppression};
use crate::db::Conn;
use crate::db::schema::contacts;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// A change to one optional field. In JSON: absent keeps, null clears, a value sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Make it empty.
    Clear,
    /// Set it to this.
    Set(T),
}

/// A change to the attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AttributesPatch {
    /// Leave them as they are.
    #[default]
    Keep,
    /// Merge these into them: a value replaces, null removes.
    Merge(Map<String, Value>),
    /// Exactly these, and no others.
    Replace(Attributes),
}

/// Changes to a contact; the default changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactPatch {
    /// Another number.
    pub phone: Option<PhoneNumber>,
    /// Their first name.
    pub first_name: Patch<Name>,
    /// Their last name.
    pub last_name: Patch<Name>,
    /// Their email address.
    pub email: Patch<Email>,
    /// Their id in another system.
    pub external_id: Patch<ExternalId>,
    /// Named values.
    pub attributes: AttributesPatch,
}

impl<T> Patch<T> {
    /// A value from a form, where empty clears.
    pub fn from_form(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    fn apply(self, field: &mut Option<String>)
    where
        String: From<T>,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value.into()),
        }
    }
}

impl Patch<String> {
    /// Parses a typed value, or adds an error to its field; a blank value clears.
    pub fn parse<T>(
        self,
        field: &str,
        errors: &mut FieldErrors,
        read: fn(&str) -> std::result::Result<T, InvalidField>,
    ) -> Patch<T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Set(raw) if !raw.trim().is_empty() => {
                errors.check(field, read(&raw)).map_or(Patch::Keep, Patch::Set)
            }
            Self::Clear | Self::Set(_) => Patch::Clear,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        // An absent field is not deserialized: `#[serde(default)]` keeps it.
        Ok(Self::from_form(Option::deserialize(deserializer)?))
    }
}

/// The result of [`update`].
#[must_use = "automations react to the changes, and messages pending to a suppressed number are \
              suppressed: see automations::consequences"]
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The contact as it is now.
    pub contact: Contact,
    /// What changed about it that automations may react to.
    pub changes: Vec<ContactChange>,
    /// The suppression that moved to its new number, if any.
    pub suppressed: Option<Reason>,
}

/// Changes a contact; a number or external id that another contact has is an error of that field.
///
/// A STOP stays with the person: it moves to the new number, with the tag. If the new number has
/// opted out itself, the contact gets the tag as well.
pub async fn update(
    conn: &mut Conn,
    id: ContactId,
    patch: ContactPatch,
    requester: Requester,
    now: DateTime<Utc>,
) -> Result<Updated> {
    // The numbers are locked before the contact, as a STOP of the old number does.
    let old_phone: Option<PhoneNumber> =
        contacts::table.find(id).select(contacts::phone).first(conn).await.optional()?;
    let old_phone = old_phone.ok_or(Error::NotFound("contact"))?;
    if let Some(phone) = patch.phone.as_ref().filter(|phone| **phone != old_phone) {
        suppression::lock_numbers(conn, &[&old_phone, phone]).await?;
    }
    let before: Option<Contact> = contacts::table
        .find(id)
        .for_update()
        .select(Contact::as_select())
        .first(conn)
        .await
        .optional()?;
    let before = before.ok_or(Error::NotFound("contact"))?;
    if before.phone != old_phone && patch.phone.is_some() {
        return Err(Error::Refused(
            "Another user has just changed this contact’s number. Check it, then try again."
                .to_owned(),
        ));
    }
    let mut contact = before.clone();
    patch.apply(&mut contact)?;
    if contact == before {
        return Ok(Updated { contact: before, changes: Vec::new(), suppressed: None });
    }
    contact.updated_at = now;
    let contact: Contact = diesel::update(contacts::table.find(id))
        .set(&contact)
        .returning(Contact::as_returning())
        .get_result(conn)
        .await
        .map_err(|error| as_field_error(error.into()))?;
    let moved = contact.phone != before.phone;
    let (mut changes, mut suppressed) = (Vec::new(), None);
    if moved {
        (changes, suppressed) =
            carry_suppressions(conn, &old_phone, &contact, requester, now).await?;
    }
    Ok(Updated { contact, changes, suppressed })
}

/// Lets the suppressions that follow a person from their old number apply to the number of their
/// contact, and tags the contact if its number has opted out. Returns the strongest reason that
/// moved.
///
/// The caller holds the locks of both numbers, and takes back what is pending to the new one.
pub async fn carry_suppressions(
    conn: &mut Conn,
    from: &PhoneNumber,
    to: &Contact,
    requester: Requester,
    now: DateTime<Utc>,
) -> Result<(Vec<ContactChange>, Option<Reason>)> {
    let moved = suppression::move_to_new_number(conn, from, &to.phone, requester, now).await?;
    let changes = tag_stopped(conn, std::slice::from_ref(to), now).await?;
    Ok((changes, moved))
}

impl ContactPatch {
    fn apply(self, contact: &mut Contact) -> Result<()> {
        if let Some(phone) = self.phone {
            contact.phone = phone;
        }
        self.first_name.apply(&mut contact.first_name);
        self.last_name.apply(&mut contact.last_name);
        self.email.apply(&mut contact.email);
        self.external_id.apply(&mut contact.external_id);
        match self.attributes {
            AttributesPatch::Keep => {}
            AttributesPatch::Merge(changes) => {
                contact.attributes = Attributes::merged(&contact.attributes, &changes)
                    .map_err(Error::Invalid)?
                    .into_value();
            }
            AttributesPatch::Replace(attributes) => contact.attributes = attributes.into_value(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Request {
        #[serde(default)]
        email: Patch<String>,
    }

    #[test]
    fn absent_keeps_null_clears_and_a_value_sets() {
        let read = |json: Value| serde_json::from_value::<Request>(json).unwrap().email;
        assert_eq!(read(json!({})), Patch::Keep);
        assert_eq!(read(json!({ "email": null })), Patch::Clear);
        assert_eq!(read(json!({ "email": "a@b.c" })), Patch::Set("a@b.c".to_owned()));
    }

    #[test]
    fn a_blank_text_clears_and_a_wrong_one_is_named() {
        let mut errors = FieldErrors::default();
        assert_eq!(
            Patch::Set(" ".to_owned()).parse("email", &mut errors, Email::parse),
            Patch::Clear
        );
        assert!(errors.is_empty());
        assert_eq!(
            Patch::Set("anna".to_owned()).parse("email", &mut errors, Email::parse),
            Patch::Keep
        );
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["email"]);
    }

    #[test]
    fn only_the_named_fields_change() {
        let time = DateTime::UNIX_EPOCH;
        let phone = PhoneNumber::from_e164("+14155550123").unwrap();
        let before = Contact {
            id: ContactId::new(),
            phone,
            first_name: Some("Ann".to_owned()),
            last_name: Some("Smith".to_owned()),
            email: None,
            external_id: Some("7".to_owned()),
            attributes: json!({ "city": "Köln", "vip": true }),
            created_at: time,
            updated_at: time,
        };
        let mut after = before.clone();
        ContactPatch {
            last_name: Patch::Clear,
            external_id: Patch::Set(ExternalId::parse("8").unwrap()),
            attributes: AttributesPatch::Merge(json!({ "vip": null }).as_object().unwrap().clone()),
            ..ContactPatch::default()
        }
        .apply(&mut after)
        .unwrap();
        let expected = Contact {
            last_name: None,
            external_id: Some("8".to_owned()),
            attributes: json!({ "city": "Köln" }),
            ..before
        };
        assert_eq!(after, expected);
    }
}
