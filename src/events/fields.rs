//! Types for the fields of an event, each with one fallible constructor.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::types::json_text::JsonText;
use crate::types::mistake::{self, Mistake};
use crate::types::storable_text;
use crate::types::stored_as::stored_as;

/// Maximum size of an event's properties as JSON, in bytes.
pub const MAX_PROPERTIES_BYTES: usize = 32 * 1024;
const MAX_NAME: usize = 120;
const MAX_CLIENT_ID: usize = 200;

/// The name of a kind of event, such as `order_completed`; case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct EventName(String);

/// The id that the reporting program assigned to an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

/// The details of an event: a JSON object that PostgreSQL can store, with its serialized form.
#[derive(Debug, Clone, PartialEq)]
pub struct Properties {
    object: Value,
    text: JsonText,
}

impl EventName {
    /// Parses 1 to 120 characters, trimmed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(mistake::line(text, MAX_NAME)?.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ClientId {
    /// Parses 1 to 200 characters, trimmed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(mistake::line(text, MAX_CLIENT_ID)?.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Properties {
    /// Accepts an object of up to [`MAX_PROPERTIES_BYTES`] without NUL characters, which PostgreSQL
    /// cannot store.
    pub fn parse(object: Map<String, Value>) -> Result<Self, String> {
        let value = Value::Object(object);
        if !storable_text::is_storable_value(&value) {
            return Err(Mistake::Unstorable.into());
        }
        let properties = Self::from(value);
        let bytes = properties.text.as_str().len();
        if bytes > MAX_PROPERTIES_BYTES {
            return Err(format!(
                "These are {bytes} bytes of JSON; at most {MAX_PROPERTIES_BYTES} are possible."
            ));
        }
        Ok(properties)
    }

    /// The object.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.object
    }

    /// The serialized object, as it is stored.
    #[must_use]
    pub const fn text(&self) -> &JsonText {
        &self.text
    }
}

impl Default for Properties {
    fn default() -> Self {
        Self::from(Value::Object(Map::new()))
    }
}

impl From<Value> for Properties {
    fn from(object: Value) -> Self {
        Self { text: JsonText::from(&object), object }
    }
}

impl std::fmt::Display for EventName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EventName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

stored_as!(Text, EventName);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn properties(value: Value) -> Result<Properties, String> {
        let Value::Object(object) = value else { panic!("not an object") };
        Properties::parse(object)
    }

    #[test]
    fn names_and_ids_are_one_line_of_bounded_length() {
        assert_eq!(EventName::parse(" order_completed ").unwrap().as_str(), "order_completed");
        assert!(EventName::parse("  ").unwrap_err().contains("blank"));
        assert!(EventName::parse("a\nb").unwrap_err().contains("control characters"));
        assert!(EventName::parse(&"ü".repeat(120)).is_ok());
        assert!(EventName::parse(&"ü".repeat(121)).is_err());
        assert!(ClientId::parse("").is_err());
        assert!(ClientId::parse(&"x".repeat(201)).is_err());
    }

    #[test]
    fn properties_are_what_the_database_can_store() {
        let stored = properties(json!({"a": [1, {"b": null}]})).unwrap();
        assert_eq!(
            (stored.value(), stored.text().as_str()),
            (&json!({"a": [1, {"b": null}]}), r#"{"a":[1,{"b":null}]}"#)
        );
        assert_eq!(Properties::default().text().as_str(), "{}");
        for value in [json!({"a": "x\u{0}"}), json!({"a": [{"b\u{0}": 1}]})] {
            assert!(properties(value).unwrap_err().contains("NUL"));
        }
        assert!(
            properties(json!({"a": "x".repeat(MAX_PROPERTIES_BYTES)}))
                .unwrap_err()
                .contains("at most 32768")
        );
    }
}
