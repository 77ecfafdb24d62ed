//! The form of a contact, with all input as typed.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::contacts::{
    Attributes, AttributesPatch, Contact, ContactPatch, Email, ExternalId, InvalidField, Name,
    NewContact, Patch,
};
use crate::error::FieldErrors;
use crate::types::country::Country;
use crate::types::phone::PhoneNumber;

/// The number of blank rows for new attributes at the end of the form.
const BLANK_ROWS: usize = 3;

/// The input of the form.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct ContactForm {
    phone: String,
    first_name: String,
    last_name: String,
    email: String,
    external_id: String,
    attributes: Vec<AttributeRow>,
}

/// An attribute; its errors are named `attribute_<index>`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct AttributeRow {
    name: String,
    kind: String,
    value: String,
}

impl ContactForm {
    /// The form of an existing contact.
    pub(super) fn of(contact: &Contact) -> Self {
        let rows = contact
            .attributes
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| AttributeRow::of(name, value));
        let form = Self {
            phone: contact.phone.international(),
            first_name: contact.first_name.clone().unwrap_or_default(),
            last_name: contact.last_name.clone().unwrap_or_default(),
            email: contact.email.clone().unwrap_or_default(),
            external_id: contact.external_id.clone().unwrap_or_default(),
            attributes: rows.collect(),
        };
        form.with_blank_rows()
    }

    /// Reads a submitted form. The three fields of an attribute repeat in the same order.
    pub(super) fn from_fields(fields: &[(String, String)]) -> Self {
        let first = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        let all = |name: &'static str| {
            fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.clone())
        };
        let kinds = all("attribute_kind").chain(std::iter::repeat(String::new()));
        let values = all("attribute_value").chain(std::iter::repeat(String::new()));
        let rows = all("attribute_name")
            .zip(kinds)
            .zip(values)
            .map(|((name, kind), value)| AttributeRow { name, kind, value });
        Self {
            phone: first("phone"),
            first_name: first("first_name"),
            last_name: first("last_name"),
            email: first("email"),
            external_id: first("external_id"),
            attributes: rows.collect(),
        }
    }

    /// Replaces blank rows by new ones at the end.
    pub(super) fn with_blank_rows(mut self) -> Self {
        self.attributes.retain(|row| !row.is_blank());
        self.attributes.extend(std::iter::repeat_n(AttributeRow::default(), BLANK_ROWS));
        self
    }

    /// Parses the form, and reports the errors of all fields at once.
    pub(super) fn parse(
        &self,
        default_country: Option<Country>,
    ) -> Result<NewContact, FieldErrors> {
        let mut errors = FieldErrors::default();
        let phone = errors.check("phone", PhoneNumber::parse(&self.phone, default_country));
        let first_name = optional(&self.first_name, "first_name", &mut errors, Name::parse);
        let last_name = optional(&self.last_name, "last_name", &mut errors, Name::parse);
        let email = optional(&self.email, "email", &mut errors, Email::parse);
        let external_id =
            optional(&self.external_id, "external_id", &mut errors, ExternalId::parse);
        let attributes = self.attributes(&mut errors);
        match phone {
            Some(phone) if errors.is_empty() => {
                Ok(NewContact { phone, first_name, last_name, email, external_id, attributes })
            }
            _ => Err(errors),
        }
    }

    fn attributes(&self, errors: &mut FieldErrors) -> Attributes {
        let mut attributes = Map::new();
        for (at, row) in self.attributes.iter().enumerate().filter(|(_, row)| !row.is_blank()) {
            let name = row.name.trim();
            let field = format!("attribute_{at}");
            let Some(value) = errors.check(&field, row.parse()) else { continue };
            // Each row is parsed alone, so that its error is shown beside it.
            if let Err(wrong) =
                Attributes::parse(Map::from_iter([(name.to_owned(), value.clone())]))
            {
                wrong
                    .iter()
                    .flat_map(|(_, messages)| messages)
                    .for_each(|message| errors.add(&field, message.as_str()));
            } else if attributes.insert(name.to_owned(), value).is_some() {
                errors.add(&field, "Another attribute has this name. Choose a different one.");
            }
        }
        Attributes::parse(attributes).unwrap_or_else(|wrong| {
            wrong
                .iter()
                .flat_map(|(_, messages)| messages)
                .for_each(|message| errors.add("form", message.as_str()));
            Attributes::default()
        })
    }
}

impl AttributeRow {
    fn of(name: &str, value: &Value) -> Self {
        let (kind, value) = match value {
            Value::String(text) => ("text", text.clone()),
            Value::Number(number) => ("number", number.to_string()),
            Value::Bool(yes) => ("yes_no", if *yes { "yes" } else { "no" }.to_owned()),
            other => ("text", other.to_string()),
        };
        Self { name: name.to_owned(), kind: kind.to_owned(), value }
    }

    fn is_blank(&self) -> bool {
        self.name.trim().is_empty() && self.value.trim().is_empty()
    }

    fn parse(&self) -> Result<Value, &'static str> {
        let text = self.value.trim();
        match self.kind.as_str() {
            "number" => text
                .parse::<Number>()
                .map(Value::Number)
                .map_err(|_| "Not a number. Write it like 12 or 12.5."),
            "yes_no" => match text.to_lowercase().as_str() {
                "yes" | "true" => Ok(Value::Bool(true)),
                "no" | "false" => Ok(Value::Bool(false)),
                _ => Err("Write yes or no."),
            },
            _ => Ok(Value::String(text.to_owned())),
        }
    }
}

/// The patch that sets every field of a contact to the value in the form.
pub(super) fn patch(new: NewContact) -> ContactPatch {
    ContactPatch {
        phone: Some(new.phone),
        first_name: Patch::from_form(new.first_name),
        last_name: Patch::from_form(new.last_name),
        email: Patch::from_form(new.email),
        external_id: Patch::from_form(new.external_id),
        attributes: AttributesPatch::Replace(new.attributes),
    }
}

fn optional<T>(
    raw: &str,
    field: &str,
    errors: &mut FieldErrors,
    parse: fn(&str) -> Result<T, InvalidField>,
) -> Option<T> {
    if raw.trim().is_empty() { None } else { errors.check(field, parse(raw)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn row(
        name: &'static str,
        kind: &'static str,
        value: &'static str,
    ) -> [(&'static str, &'static str); 3] {
        [("attribute_name", name), ("attribute_kind", kind), ("attribute_value", value)]
    }

    #[test]
    fn attributes_keep_their_types_and_blank_rows_are_left_out() {
        let rows = [
            row("city", "text", " Köln "),
            row("visits", "number", "3"),
            row("", "text", ""),
            row("vip", "yes_no", "Yes"),
        ];
        let sent = [[("phone", "+14155550123")].as_slice(), &rows.concat()].concat();
        let new = ContactForm::from_fields(&fields(&sent)).parse(None).unwrap();
        assert_eq!(
            new.attributes.into_value(),
            json!({ "city": "Köln", "visits": 3, "vip": true })
        );
    }

    #[test]
    fn the_error_of_an_attribute_names_its_row() {
        let rows = [
            row("first name", "text", "x"),
            row("visits", "number", "many"),
            row("a", "text", "1"),
            row("a", "text", "2"),
            row("", "", "lost"),
        ];
        let errors = ContactForm::from_fields(&fields(&rows.concat())).parse(None).unwrap_err();
        let wrong: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(wrong, ["attribute_0", "attribute_1", "attribute_3", "attribute_4", "phone"]);
    }

    #[test]
    fn the_form_of_a_contact_parses_to_that_contact() {
        for contact in crate::web::ui::contacts::samples::contacts() {
            let new = ContactForm::of(&contact).parse(None).unwrap();
            assert_eq!(new.phone, contact.phone);
            assert_eq!(new.first_name.map(String::from), contact.first_name);
            assert_eq!(new.attributes.into_value(), contact.attributes);
        }
    }
}
