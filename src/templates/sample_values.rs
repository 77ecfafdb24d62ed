//! Sample values for the variables of a template, of the kinds that their use requires.

use serde_json::{Map, Value, json};

use super::expected_kinds::Expected;
use super::variable_path::Key;
use super::variables::{Root, Variable};

/// Largest index of a list in a sample event.
const MAX_SAMPLE_INDEX: usize = 20;

/// A sample event with each property that the variables refer to, of the kind that its use
/// requires.
pub(super) fn sample_event(variables: &[Variable], expected: &[Option<Expected>]) -> Value {
    sample_properties(variables, Root::Event, &|at, name| {
        sample_value(expected.get(at).copied().flatten(), name)
    })
}

/// A sample value of the expected kind; `text` if any text fits.
pub(super) fn sample_value(expected: Option<Expected>, text: &str) -> Value {
    match expected {
        None => Value::from(text),
        Some(Expected::Number) => Value::from(42),
        Some(Expected::Time) => Value::from("2026-11-21T10:00:00Z"),
        Some(Expected::List) => json!([text]),
    }
}

/// Sample properties of an event or attributes of a contact; `value` creates each from its index
/// and name.
pub(super) fn sample_properties(
    variables: &[Variable],
    root: Root,
    value: &dyn Fn(usize, &str) -> Value,
) -> Value {
    let mut event = Value::Object(Map::new());
    for (at, variable) in variables.iter().enumerate().filter(|(_, variable)| variable.root == root)
    {
        let mut slot = &mut event;
        for key in &variable.keys {
            slot = match key {
                Key::Name(name) => {
                    if !slot.is_object() {
                        *slot = Value::Object(Map::new());
                    }
                    &mut slot[name.as_str()]
                }
                Key::Index(index) => {
                    let index = (*index).min(MAX_SAMPLE_INDEX);
                    let mut items = slot.as_array_mut().map(std::mem::take).unwrap_or_default();
                    items.resize(items.len().max(index + 1), Value::Null);
                    *slot = Value::Array(items);
                    &mut slot[index]
                }
            };
        }
        if slot.is_null() {
            *slot = value(at, variable.keys.iter().rev().find_map(Key::name).unwrap_or("example"));
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_event_has_what_is_named() {
        let variable = |keys: Vec<Key>| Variable { root: Root::Event, keys };
        let name = |name: &str| Key::Name(name.to_owned());
        let variables = [
            variable(vec![name("order_id")]),
            variable(vec![name("items"), Key::Index(1), name("sku")]),
            variable(vec![name("items")]),
        ];
        assert_eq!(
            sample_event(&variables, &[]),
            json!({ "order_id": "order_id", "items": [null, { "sku": "sku" }] })
        );
    }
}
