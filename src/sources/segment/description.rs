//! What a message says about its person.

use serde_json::{Map, Value};

use super::attributes::attributes;
use super::message_context::MessageContext;
use super::message_parts::MessageParts;
use crate::contacts::Name;
use crate::sources::Description;

/// The traits that are a contact's own fields instead of attributes, beside the phone number.
const OWN_FIELDS: [&str; 6] = ["firstName", "first_name", "lastName", "last_name", "name", "email"];

/// The names and attributes in the traits. What is wrong is left out.
pub(super) fn describe(parts: &MessageParts<'_>, context: &MessageContext<'_>) -> Description {
    let is_own = |path: &str| OWN_FIELDS.contains(&path) || path == context.mapping.phone_trait();
    let mut description = Description::default();
    for (_, traits) in &parts.traits {
        let (first_name, last_name) = names(traits);
        if description.first_name.is_none() && description.last_name.is_none() {
            (description.first_name, description.last_name) = (first_name, last_name);
        }
        for (name, value) in attributes(traits, "", is_own) {
            description.attributes.entry(name).or_insert(value);
        }
    }
    description
}

/// The first and the last name; a whole name is split at its first blank.
fn names(traits: &Map<String, Value>) -> (Option<Name>, Option<Name>) {
    let named = |name: &str| Name::parse(traits.get(name)?.as_str()?).ok();
    let first = named("firstName").or_else(|| named("first_name"));
    let last = named("lastName").or_else(|| named("last_name"));
    if first.is_some() || last.is_some() {
        return (first, last);
    }
    let whole = traits.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    let (first, last) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
    (Name::parse(first).ok(), Name::parse(last).ok())
}
