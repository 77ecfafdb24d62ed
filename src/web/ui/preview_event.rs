//! The event of a preview or a dry run: a reported one, a generated sample, or properties written
//! by hand.

use chrono_tz::Tz;
use serde_json::Value;

use super::Choice;
use crate::events::{Event, Properties};

/// The form value for an event that Carillon generates, with the properties that the text or the
/// trigger uses.
pub(super) const SAMPLE: &str = "sample";
/// The form value for an event whose properties the user writes by hand.
pub(super) const WRITTEN: &str = "written";

/// The option of a reported event.
pub(super) fn choice(event: &Event, zone: Tz) -> Choice {
    Choice::new(event.id.to_string(), label(event, zone))
}

/// The name of an event and its time in the user's time zone.
pub(super) fn label(event: &Event, zone: Tz) -> String {
    let at = event.occurred_at.with_timezone(&zone).format("%-d %b %Y, %H:%M");
    format!("{}, {at}", event.name)
}

/// Parses properties that are written by hand. Blank text is no event.
pub(super) fn parse_properties(typed: &str) -> Result<Option<Value>, String> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(typed) {
        Ok(Value::Object(properties)) => {
            Properties::parse(properties).map(|properties| Some(properties.value().clone()))
        }
        Ok(_) => {
            Err("Write the properties as a JSON object, such as {\"order_id\": \"4711\"}."
                .to_owned())
        }
        Err(error) => {
            Err(format!("This is not JSON: {error}. Write it like {{\"order_id\": \"4711\"}}."))
        }
    }
}

/// The initial text of the field for properties.
pub(super) fn initial_properties(properties: &Value) -> String {
    serde_json::to_string_pretty(properties).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_event_is_an_object_or_nothing() {
        assert_eq!(parse_properties(" "), Ok(None));
        assert!(parse_properties("{\"a\": 1}").unwrap().is_some());
        assert!(parse_properties("[1]").unwrap_err().contains("JSON object"));
        assert!(parse_properties("{a}").unwrap_err().contains("line 1 column 2"));
        assert!(parse_properties("{\"a\": \"\\u0000\"}").unwrap_err().contains("NUL"));
        let written = initial_properties(&serde_json::json!({ "a": [1] }));
        assert_eq!(parse_properties(&written), Ok(Some(serde_json::json!({ "a": [1] }))));
    }
}
