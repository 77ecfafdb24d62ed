//! Events that nobody has reported, to try something with: made up for it, or written by hand.

use serde_json::Value;

use crate::events::Properties;

/// The choice of an event that is made up for what is tried.
pub(super) const SAMPLE: &str = "sample";
/// The choice of an event that is written by hand.
pub(super) const WRITTEN: &str = "written";

/// Reads properties as they are written by hand; nothing written is no event.
pub(super) fn parse(typed: &str) -> Result<Option<Value>, String> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(typed) {
        Ok(Value::Object(properties)) => {
            Properties::parse(properties).map(|properties| Some(properties.value().clone()))
        }
        Ok(_) => {
            Err("Write the properties in braces, such as {\"order_id\": \"4711\"}.".to_owned())
        }
        Err(error) => {
            Err(format!("This is not JSON: {error}. Write it like {{\"order_id\": \"4711\"}}."))
        }
    }
}

/// Properties to begin writing with.
pub(super) fn to_begin_with(properties: &Value) -> String {
    serde_json::to_string_pretty(properties).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_event_is_an_object_or_nothing() {
        assert_eq!(parse(" "), Ok(None));
        assert!(parse("{\"a\": 1}").unwrap().is_some());
        assert!(parse("[1]").unwrap_err().contains("braces"));
        assert!(parse("{a}").unwrap_err().contains("line 1 column 2"));
        assert!(parse("{\"a\": \"\\u0000\"}").unwrap_err().contains("NUL"));
        let written = to_begin_with(&serde_json::json!({ "a": [1] }));
        assert_eq!(parse(&written), Ok(Some(serde_json::json!({ "a": [1] }))));
    }
}
