//! The event that a message reports.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::call::SegmentCall;
use super::message_parts::{MessageParts, id};
use crate::error::FieldErrors;
use crate::events::{ClientId, EventName, Properties};
use crate::sources::ItemEvent;
use crate::types::id::SourceId;
use crate::types::mistake::Mistake;

/// The longest message id that is kept as it is, in characters; of longer ones, the hash.
const MAX_MESSAGE_ID: usize = 160;

/// The event of a message; `None` of a call that reports none, or if there are errors.
pub(super) fn event(
    parts: &MessageParts<'_>,
    call: SegmentCall,
    source_id: SourceId,
    errors: &mut FieldErrors,
) -> Option<ItemEvent> {
    let mut properties = parts.properties.cloned().unwrap_or_default();
    let name = match call {
        SegmentCall::Track => event_name(parts.message, errors)?,
        SegmentCall::Page | SegmentCall::Screen => {
            for field in ["name", "category"] {
                let value = parts.message.get(field).filter(|value| !value.is_null());
                if let Some(value) = value.filter(|_| !properties.contains_key(field)) {
                    properties.insert(field.to_owned(), value.clone());
                }
            }
            errors.check("type", EventName::parse(call.as_str()))?
        }
        SegmentCall::Identify | SegmentCall::Group | SegmentCall::Alias => return None,
    };
    let properties = errors.check("properties", Properties::parse(properties))?;
    Some(ItemEvent { client_id: client_id(parts.message, source_id), name, properties })
}

fn event_name(message: &Map<String, Value>, errors: &mut FieldErrors) -> Option<EventName> {
    match message.get("event") {
        None | Some(Value::Null) => {
            errors.add("event", Mistake::Missing.with_hint("It is the event’s name."));
            None
        }
        Some(Value::String(name)) => errors.check("event", EventName::parse(name)),
        Some(_) => {
            errors.add("event", Mistake::WrongType("text"));
            None
        }
    }
}

/// The message's id with the source's in front; clients repeat a message with the same id.
fn client_id(message: &Map<String, Value>, source_id: SourceId) -> Option<ClientId> {
    let message_id = id(message, "messageId", &mut FieldErrors::default())?;
    let source = source_id.0.simple();
    let plain = Some(&message_id).filter(|id| id.chars().count() <= MAX_MESSAGE_ID);
    let plain = plain.and_then(|id| ClientId::parse(&format!("{source}:{id}")).ok());
    plain.or_else(|| {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(message_id));
        ClientId::parse(&format!("{source}:{hash}")).ok()
    })
}
