//! The fields of a contact: names, email, external id and attributes, each with one constructor.

use serde_json::{Map, Value};

use crate::error::FieldErrors;
use crate::types::composed_text::composed_words;
use crate::types::invisible_characters::is_invisible;
use crate::types::mistake::Mistake;

/// Why a field is invalid, in words for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// Nothing that can be seen.
    #[error("{}", Mistake::Blank)]
    Blank,
    /// Longer than the field allows.
    #[error("{}", Mistake::TooLong(*.0))]
    TooLong(usize),
    /// A line break or another invisible character.
    #[error("{}", Mistake::ControlCharacter)]
    ControlCharacter,
    /// Not of the form name@domain.
    #[error("Enter an email address such as ada@example.com.")]
    NotAnEmail,
    /// An attribute's name that templates could not use.
    #[error(
        "An attribute’s name has 1 to 64 letters (a-z), digits or _, and doesn’t begin with a \
         digit."
    )]
    AttributeName,
    /// An attribute's value that is an array or object.
    #[error("An attribute’s value is a text, a number, true or false, not a list or an object.")]
    AttributeType,
    /// An attribute's value that is too long.
    #[error("An attribute’s value has at most 2,048 bytes.")]
    AttributeTooLong,
    /// A character that a text in the database cannot hold.
    #[error("{}", Mistake::Unstorable)]
    Nul,
    /// More attributes than a contact can have.
    #[error("{}", Mistake::TooMany(MAX_ATTRIBUTES, "attributes"))]
    TooManyAttributes,
}

/// The largest number of attributes that a contact can have.
pub const MAX_ATTRIBUTES: usize = 64;
const MAX_ATTRIBUTE_NAME: usize = 64;
const MAX_ATTRIBUTE_BYTES: usize = 2_048;

/// Declares a text of one line with its maximum length in characters, the form that it is brought
/// into, and one more check.
macro_rules! line_of_text {
    ($(#[$doc:meta])* $name:ident, $max_length:literal, $form:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses it as it is typed; white space around it is dropped.
            pub fn parse(raw: &str) -> Result<Self, InvalidField> {
                let form: fn(&str) -> String = $form;
                let formed = form(raw);
                let text = line(&formed, $max_length)?;
                let check: fn(&str) -> Result<(), InvalidField> = $check;
                check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

line_of_text!(
    /// A first or last name: up to 100 characters, composed and with single blanks.
    Name, 100, composed_words, visible
);
line_of_text!(
    /// The id of the contact in another system: up to 200 characters, case matters.
    ExternalId, 200, str::to_owned, |_| Ok(())
);
line_of_text!(
    /// An email address, checked lightly: only an email to it proves that it exists.
    Email, 254, str::to_owned, email_shape
);

/// Named values of a contact: a JSON object of texts, numbers and booleans, whose names templates
/// can use.
///
/// A null value means that there is none, so it is not stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// Checks names, types, lengths and number; an error is one of `attributes.<name>`, or of
    /// `attributes`.
    pub fn parse(raw: Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for (name, value) in &raw {
            if let Err(error) = attribute(name, value) {
                errors.add(&format!("attributes.{name}"), error.to_string());
            }
        }
        let attributes: Map<_, _> = raw.into_iter().filter(|(_, value)| !value.is_null()).collect();
        if attributes.len() > MAX_ATTRIBUTES {
            errors.add("attributes", InvalidField::TooManyAttributes.to_string());
        }
        if errors.is_empty() { Ok(Self(attributes)) } else { Err(errors) }
    }

    /// The stored attributes with changes merged into them: a value replaces, null removes.
    pub fn merged(stored: &Value, changes: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut all = stored.as_object().cloned().unwrap_or_default();
        all.extend(changes.clone());
        Self::parse(all)
    }

    /// The object for the database and the API.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

fn line(raw: &str, max_length: usize) -> Result<&str, InvalidField> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(InvalidField::Blank);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidField::ControlCharacter);
    }
    if text.chars().count() > max_length {
        return Err(InvalidField::TooLong(max_length));
    }
    Ok(text)
}

fn visible(text: &str) -> Result<(), InvalidField> {
    if is_invisible(text) { Err(InvalidField::Blank) } else { Ok(()) }
}

fn email_shape(text: &str) -> Result<(), InvalidField> {
    let (local, domain) = text.rsplit_once('@').ok_or(InvalidField::NotAnEmail)?;
    let labels_filled = domain.split('.').all(|label| !label.is_empty());
    let shape = !local.is_empty()
        && domain.contains('.')
        && labels_filled
        && !text.contains(char::is_whitespace);
    if shape && !local.contains('@') { Ok(()) } else { Err(InvalidField::NotAnEmail) }
}

fn attribute(name: &str, value: &Value) -> Result<(), InvalidField> {
    let has_valid_start =
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let has_valid_characters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !has_valid_start || !has_valid_characters || name.len() > MAX_ATTRIBUTE_NAME {
        return Err(InvalidField::AttributeName);
    }
    match value {
        Value::Array(_) | Value::Object(_) => Err(InvalidField::AttributeType),
        Value::String(text) if text.contains('\0') => Err(InvalidField::Nul),
        Value::String(text) if text.len() > MAX_ATTRIBUTE_BYTES => {
            Err(InvalidField::AttributeTooLong)
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("{value} is no object") };
        map
    }

    #[test]
    fn a_name_is_composed_and_its_white_space_made_single() {
        assert_eq!(Name::parse("  Mary Ann ").unwrap().as_str(), "Mary Ann");
        assert_eq!(Name::parse("Mary \u{a0} Ann").unwrap().as_str(), "Mary Ann");
        assert_eq!(Name::parse("Zoe\u{308}").unwrap().as_str(), "Zoë");
        assert_eq!(Name::parse("Zoë 👩‍🚀").unwrap().as_str(), "Zoë 👩‍🚀");
    }

    #[test]
    fn a_name_of_control_characters_or_of_excessive_length_is_refused() {
        assert_eq!(Name::parse(" \t "), Err(InvalidField::Blank));
        assert_eq!(Name::parse("\u{200b}"), Err(InvalidField::Blank));
        assert_eq!(Name::parse("Ann\nBob"), Err(InvalidField::ControlCharacter));
        assert_eq!(Name::parse(&"é".repeat(101)), Err(InvalidField::TooLong(100)));
        assert!(Name::parse(&"é".repeat(100)).is_ok());
    }

    #[test]
    fn email_addresses_are_checked_lightly() {
        for good in
            ["anna@example.com", "a.b+c@mail.example.co.uk", "ünal@exämple.de", "\"x\"@example.com"]
        {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "anna",
            "anna@",
            "@example.com",
            "anna@localhost",
            "a b@example.com",
            "a@b@example.com",
            "a@example..com",
            "a@.com",
        ] {
            assert_eq!(Email::parse(bad), Err(InvalidField::NotAnEmail), "{bad}");
        }
    }

    #[test]
    fn attributes_have_names_that_templates_can_use_and_plain_values() {
        let errors = Attributes::parse(object(json!({
            "city": "Köln", "_visits": 3, "vip": true, "first name": "x", "1st": 1, "list": [1], "": 1, "größe": 1, "nul": "\u{0}",
        })))
        .unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "attributes.",
                "attributes.1st",
                "attributes.first name",
                "attributes.größe",
                "attributes.list",
                "attributes.nul"
            ]
        );
    }

    #[test]
    fn attributes_are_bounded_in_length_and_number() {
        assert!(Attributes::parse(object(json!({ "a": "x".repeat(2_048) }))).is_ok());
        assert!(Attributes::parse(object(json!({ "a": "x".repeat(2_049) }))).is_err());
        let many = |count: usize| (0..count).map(|n| (format!("a{n}"), json!(n))).collect();
        assert!(Attributes::parse(many(64)).is_ok());
        assert!(Attributes::parse(many(65)).is_err());
    }

    #[test]
    fn merging_replaces_values_key_by_key_and_null_removes() {
        let merged = Attributes::merged(
            &json!({"city": "Köln", "vip": true}),
            &object(json!({"vip": null, "visits": 2})),
        );
        assert_eq!(merged.unwrap().into_value(), json!({"city": "Köln", "visits": 2}));
    }

    #[test]
    fn removing_one_attribute_allows_another() {
        let stored = Value::Object((0..64).map(|n| (format!("a{n}"), json!(n))).collect());
        assert!(Attributes::merged(&stored, &object(json!({"b": 1}))).is_err());
        assert!(Attributes::merged(&stored, &object(json!({"b": 1, "a0": null}))).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(raw in "\\PC{0,40}") {
            if let Ok(name) = Name::parse(&raw) {
                prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(name.as_str().trim(), name.as_str());
            }
            if let Ok(email) = Email::parse(&raw) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            }
        }
    }
}
