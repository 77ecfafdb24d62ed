//! Parses one message.

use serde_json::{Map, Value, json};

use super::attributes::attributes;
use super::call::SegmentCall;
use super::description::describe;
use super::event::event;
use super::happened_at::happened_at;
use super::message_context::MessageContext;
use super::message_parts::{MessageParts, id};
use super::person::{person, plain_id};
use crate::error::FieldErrors;
use crate::sources::{Description, Item};
use crate::types::mistake::Mistake;

/// Parses a message. Of a batch, the message says which call it is; otherwise the address does.
///
/// It is refused if its person cannot be known, or if it cannot be read what they did. A wrong
/// detail of a person, such as an unreadable phone number, is left out.
pub fn parse_item(
    value: &Value,
    call: Option<SegmentCall>,
    context: &MessageContext<'_>,
) -> Result<Item, FieldErrors> {
    let Some(message) = value.as_object() else {
        return Err(FieldErrors::default().with("message", Mistake::WrongType("an object")));
    };
    let call = call.map_or_else(|| call_of(message), Ok)?;
    let mut errors = FieldErrors::default();
    let parts = MessageParts::of(message, call, &mut errors);
    let event = event(&parts, call, context.source_id, &mut errors);
    let mut description = describe(&parts, context);
    if call == SegmentCall::Group {
        describe_group(&parts, &mut description, &mut errors);
    }
    let previous_id = match call {
        SegmentCall::Alias => previous_id(message, &mut errors),
        _ => None,
    };
    let at = match happened_at(message, context) {
        Ok(at) => at,
        // Without its time, an event could start something years too late.
        Err(wrong) if event.is_some() => return Err(merged(errors, &wrong)),
        Err(_) => None,
    };
    match person(&parts, context) {
        Ok(person) if errors.is_empty() => Ok(Item { person, description, event, previous_id, at }),
        Ok(_) => Err(errors),
        Err(wrong) => Err(merged(errors, &wrong)),
    }
}

/// The call that a message of a batch names.
fn call_of(message: &Map<String, Value>) -> Result<SegmentCall, FieldErrors> {
    let known = || SegmentCall::ALL.iter().map(|call| call.as_str()).collect::<Vec<_>>();
    let mistake = match message.get("type") {
        Some(Value::String(word)) => match word.parse() {
            Ok(call) => return Ok(call),
            Err(_) => Mistake::NotOneOf(word.chars().take(40).collect(), known()).to_string(),
        },
        Some(Value::Null) | None => {
            Mistake::Missing.with_hint(&format!("Use one of: {}.", known().join(", ")))
        }
        Some(_) => Mistake::WrongType("text").to_string(),
    };
    Err(FieldErrors::default().with("type", mistake))
}

/// Adds the group to the attributes of the person.
fn describe_group(
    parts: &MessageParts<'_>,
    description: &mut Description,
    errors: &mut FieldErrors,
) {
    let group_id = id(parts.message, "groupId", errors);
    let group_id = group_id.and_then(|text| errors.check("groupId", plain_id(&text)));
    if let Some(traits) = parts.group_traits {
        description.attributes.extend(attributes(traits, "group_", |name| name == "id"));
    }
    match group_id {
        Some(group_id) => {
            description.attributes.insert("group_id".to_owned(), json!(group_id));
        }
        None if errors.is_empty() => errors.add("groupId", Mistake::Missing),
        None => {}
    }
}

/// The earlier id of the person, which is required.
fn previous_id(message: &Map<String, Value>, errors: &mut FieldErrors) -> Option<String> {
    let Some(text) = id(message, "previousId", errors) else {
        if errors.is_empty() {
            errors.add("previousId", Mistake::Missing);
        }
        return None;
    };
    errors.check("previousId", plain_id(&text))
}

fn merged(mut errors: FieldErrors, others: &FieldErrors) -> FieldErrors {
    for (field, messages) in others.iter() {
        errors.add_all(field, messages);
    }
    errors
}
