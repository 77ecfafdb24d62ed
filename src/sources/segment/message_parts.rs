//! The objects inside a message that describe the person, the group and the event.

use serde_json::{Map, Value};

use super::call::SegmentCall;
use crate::error::FieldErrors;
use crate::types::mistake::Mistake;

/// A message, taken apart.
pub(super) struct MessageParts<'v> {
    /// The whole message.
    pub(super) message: &'v Map<String, Value>,
    /// The person's traits with their paths, those that count first at the beginning.
    pub(super) traits: Vec<(&'static str, &'v Map<String, Value>)>,
    /// The traits of the group; only of `group`, where `traits` do not describe the person.
    pub(super) group_traits: Option<&'v Map<String, Value>>,
    /// The details of the event.
    pub(super) properties: Option<&'v Map<String, Value>>,
}

impl<'v> MessageParts<'v> {
    /// Takes a message apart; what is not an object where there should be one is an error.
    pub(super) fn of(
        message: &'v Map<String, Value>,
        call: SegmentCall,
        errors: &mut FieldErrors,
    ) -> Self {
        let traits = object(message, "traits", errors);
        let properties = object(message, "properties", errors);
        let of_context = message.get("context").and_then(|context| context.get("traits"));
        let of_context = of_context.and_then(Value::as_object);
        let (of_person, group_traits) = match call {
            SegmentCall::Group => (None, traits),
            _ => (traits, None),
        };
        let traits = of_person.map(|traits| ("traits", traits)).into_iter();
        Self {
            message,
            traits: traits.chain(of_context.map(|traits| ("context.traits", traits))).collect(),
            group_traits,
            properties,
        }
    }
}

/// The object of a field. PHP writes an empty one as an empty list.
fn object<'v>(
    message: &'v Map<String, Value>,
    field: &str,
    errors: &mut FieldErrors,
) -> Option<&'v Map<String, Value>> {
    match message.get(field)? {
        Value::Object(object) => Some(object),
        Value::Null => None,
        Value::Array(elements) if elements.is_empty() => None,
        _ => {
            errors.add(field, Mistake::WrongType("an object"));
            None
        }
    }
}

/// The text of an id, which may be a number; `None` if it is absent or blank.
pub(super) fn id(
    message: &Map<String, Value>,
    field: &str,
    errors: &mut FieldErrors,
) -> Option<String> {
    match message.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => {
            errors.add(field, Mistake::WrongType("text"));
            None
        }
    }
}
