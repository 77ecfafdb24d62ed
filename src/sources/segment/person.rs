//! What a message calls its person.

use serde_json::{Map, Value};

use super::message_context::MessageContext;
use super::message_parts::{MessageParts, id};
use crate::contacts::{Email, ExternalId};
use crate::error::FieldErrors;
use crate::sources::PersonKeys;
use crate::types::country::Country;
use crate::types::mistake::{self, Mistake};
use crate::types::phone::PhoneNumber;

/// The longest anonymous id, in characters.
const MAX_ID: usize = 200;

/// The keys of the person. A key in error is left out if another one is left; otherwise the errors
/// say what is wrong with each.
pub(super) fn person(
    parts: &MessageParts<'_>,
    context: &MessageContext<'_>,
) -> Result<PersonKeys, FieldErrors> {
    let mut errors = FieldErrors::default();
    let user_id = id(parts.message, "userId", &mut errors)
        .and_then(|text| errors.check("userId", ExternalId::parse(&text)));
    let anonymous_id = id(parts.message, "anonymousId", &mut errors)
        .and_then(|text| errors.check("anonymousId", plain_id(&text)));
    let person = PersonKeys {
        user_id,
        anonymous_id,
        email: email(parts, &mut errors),
        phone: phone(parts, context, &mut errors),
    };
    if person != PersonKeys::default() {
        return Ok(person);
    }
    if errors.is_empty() {
        errors.add(
            "userId",
            Mistake::Missing.with_hint(&format!(
                "Send userId or anonymousId, or the trait {} or email.",
                context.mapping.phone_trait()
            )),
        );
    }
    Err(errors)
}

/// An id of one line, up to 200 characters.
pub(super) fn plain_id(text: &str) -> Result<String, Mistake> {
    mistake::line(text, MAX_ID).map(str::to_owned)
}

fn email(parts: &MessageParts<'_>, errors: &mut FieldErrors) -> Option<Email> {
    parts.traits.iter().find_map(|(path, traits)| {
        let text = filled(traits.get("email")?)?;
        errors.check(&format!("{path}.email"), Email::parse(text))
    })
}

/// The first readable phone number of the traits, then of the event's properties.
fn phone(
    parts: &MessageParts<'_>,
    context: &MessageContext<'_>,
    errors: &mut FieldErrors,
) -> Option<PhoneNumber> {
    let of_event = parts.properties.map(|properties| ("properties", properties));
    let mut places = parts.traits.iter().copied().chain(of_event);
    places.find_map(|(path, object): (&str, &Map<String, Value>)| {
        let value = context.mapping.phone(object)?;
        let parsed = read_phone(value, context.defaults.country)?;
        errors.check(&format!("{path}.{}", context.mapping.phone_trait()), parsed)
    })
}

/// Reads a phone number, also one that is a JSON number; `None` if it is blank.
fn read_phone(value: &Value, country: Option<Country>) -> Option<Result<PhoneNumber, String>> {
    let text = match value {
        Value::String(_) => filled(value)?.to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Some(Err(Mistake::WrongType("text").into())),
    };
    Some(PhoneNumber::parse(&text, country).map_err(|error| error.without_numbers()))
}

fn filled(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}
