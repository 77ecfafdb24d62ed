//! Contacts in requests to the API, and their parsing.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::contacts::tags::TagName;
use crate::contacts::{
    Attributes, AttributesPatch, ContactPatch, Email, ExternalId, InvalidField, Name, NewContact,
    Patch,
};
use crate::error::{Error, FieldErrors, Result};
use crate::types::country::Country;
use crate::types::mistake::Mistake;
use crate::types::phone::PhoneNumber;

/// The largest number of tags in a request.
const MAX_TAGS: usize = 100;

/// A contact to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContact)]
pub(super) struct ContactRequest {
    /// With `+` and the country code, or in national format if the organization has a default
    /// country.
    #[schema(example = "+14155550123")]
    phone: String,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    /// The id of the contact in another system, unique here.
    external_id: Option<String>,
    /// Named texts, numbers and booleans. Names consist of letters, digits and `_`, so that
    /// templates can use them.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Map<String, Value>>,
    tags: Option<Vec<String>>,
}

/// Changes to a contact: absent fields stay as they are, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactChanges)]
pub(super) struct ContactChanges {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) phone: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    first_name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    last_name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    external_id: Patch<String>,
    /// Attributes to merge by name. A value of `null` removes an attribute; `null` in place of the
    /// object removes all.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    attributes: Patch<Map<String, Value>>,
    /// The tags that the contact is to have; others are removed.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Patch<Vec<String>>,
}

/// Parsed changes.
pub(super) struct ParsedChanges {
    pub(super) patch: ContactPatch,
    /// The new tags; `None` leaves the tags as they are.
    pub(super) tags: Option<Vec<TagName>>,
}

impl ContactRequest {
    pub(super) fn parse(
        self,
        default_country: Option<Country>,
    ) -> Result<(NewContact, Vec<TagName>)> {
        let mut errors = FieldErrors::default();
        let phone = phone(&self.phone, default_country, &mut errors);
        let first_name = optional(self.first_name, "first_name", &mut errors, Name::parse);
        let last_name = optional(self.last_name, "last_name", &mut errors, Name::parse);
        let email = optional(self.email, "email", &mut errors, Email::parse);
        let external_id = optional(self.external_id, "external_id", &mut errors, ExternalId::parse);
        let attributes = attributes(self.attributes.unwrap_or_default(), &mut errors);
        let tags = tags(&self.tags.unwrap_or_default(), &mut errors);
        match phone {
            Some(phone) if errors.is_empty() => Ok((
                NewContact { phone, first_name, last_name, email, external_id, attributes },
                tags,
            )),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

impl ContactChanges {
    pub(super) fn parse(self, default_country: Option<Country>) -> Result<ParsedChanges> {
        let mut errors = FieldErrors::default();
        let phone = match self.phone {
            Patch::Keep => None,
            Patch::Set(raw) => phone(&raw, default_country, &mut errors),
            Patch::Clear => {
                errors.add("phone", "A contact needs a phone number. Delete the contact instead.");
                None
            }
        };
        let patch = ContactPatch {
            phone,
            first_name: self.first_name.parse("first_name", &mut errors, Name::parse),
            last_name: self.last_name.parse("last_name", &mut errors, Name::parse),
            email: self.email.parse("email", &mut errors, Email::parse),
            external_id: self.external_id.parse("external_id", &mut errors, ExternalId::parse),
            attributes: match self.attributes {
                Patch::Keep => AttributesPatch::Keep,
                Patch::Set(changes) => AttributesPatch::Merge(changes),
                Patch::Clear => AttributesPatch::Replace(Attributes::default()),
            },
        };
        let tags = match self.tags {
            Patch::Keep => None,
            Patch::Set(names) => Some(tags(&names, &mut errors)),
            Patch::Clear => Some(Vec::new()),
        };
        errors.into_result()?;
        Ok(ParsedChanges { patch, tags })
    }
}

fn phone(
    raw: &str,
    default_country: Option<Country>,
    errors: &mut FieldErrors,
) -> Option<PhoneNumber> {
    if raw.trim().is_empty() {
        errors.add("phone", Mistake::Blank);
        return None;
    }
    errors.check("phone", PhoneNumber::parse(raw, default_country))
}

/// Parses a field that may be absent, null or blank: all of these mean `None`.
fn optional<T>(
    raw: Option<String>,
    field: &str,
    errors: &mut FieldErrors,
    read: fn(&str) -> std::result::Result<T, InvalidField>,
) -> Option<T> {
    match raw.map_or(Patch::Keep, Patch::Set).parse(field, errors, read) {
        Patch::Set(value) => Some(value),
        Patch::Keep | Patch::Clear => None,
    }
}

fn attributes(raw: Map<String, Value>, errors: &mut FieldErrors) -> Attributes {
    Attributes::parse(raw).unwrap_or_else(|wrong| {
        for (field, messages) in wrong.iter() {
            for message in messages {
                errors.add(field, message.as_str());
            }
        }
        Attributes::default()
    })
}

fn tags(raw: &[String], errors: &mut FieldErrors) -> Vec<TagName> {
    if raw.len() > MAX_TAGS {
        errors.add("tags", Mistake::TooMany(MAX_TAGS, "tags at once"));
    }
    let read = raw
        .iter()
        .enumerate()
        .filter_map(|(at, name)| errors.check(&format!("tags.{at}"), TagName::parse(name)));
    read.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong_fields<T>(result: Result<T>) -> Vec<String> {
        match result {
            Err(Error::Invalid(errors)) => {
                errors.iter().map(|(field, _)| field.to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let request: ContactRequest = serde_json::from_value(json!({
            "phone": "415 555 0123", "email": "ada", "first_name": "a\u{1}", "attributes": {"first name": 1}, "tags": ["ok", " "],
        }))
        .unwrap();
        assert_eq!(
            wrong_fields(request.parse(None)),
            ["attributes.first name", "email", "first_name", "phone", "tags.1"]
        );
    }

    #[test]
    fn a_national_number_is_read_with_the_default_country() {
        let request = |phone: &str| {
            serde_json::from_value::<ContactRequest>(
                json!({ "phone": phone, "email": null, "last_name": " " }),
            )
            .unwrap()
        };
        let (new, tags) = request("0151 23456789").parse(Country::parse("DE").ok()).unwrap();
        assert_eq!((new.phone.as_str(), new.last_name, tags.len()), ("+4915123456789", None, 0));
        assert_eq!(wrong_fields(request("0151 23456789").parse(None)), ["phone"]);
    }

    #[test]
    fn absent_fields_stay_and_null_clears() {
        let changes = |json: Value| {
            serde_json::from_value::<ContactChanges>(json).unwrap().parse(None).unwrap()
        };
        let nothing = changes(json!({}));
        assert_eq!((nothing.patch, nothing.tags), (ContactPatch::default(), None));
        let cleared = changes(json!({ "email": null, "attributes": null, "tags": null }));
        assert_eq!(cleared.patch.email, Patch::Clear);
        assert_eq!(cleared.patch.attributes, AttributesPatch::Replace(Attributes::default()));
        assert_eq!(cleared.tags, Some(Vec::new()));
    }

    #[test]
    fn the_number_cannot_be_cleared_and_unknown_fields_are_refused() {
        let changes: ContactChanges = serde_json::from_value(json!({ "phone": null })).unwrap();
        assert_eq!(wrong_fields(changes.parse(None)), ["phone"]);
        assert!(serde_json::from_value::<ContactChanges>(json!({ "fone": "x" })).is_err());
    }
}
