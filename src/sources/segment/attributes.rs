//! Traits as attributes of a contact.

use serde_json::{Map, Value};

use crate::contacts::Attributes;

/// The attributes that some traits become, with a prefix to their names: texts, numbers, true and
/// false; null removes. The objects among them are flattened one level, so that `city` in `address`
/// becomes `address_city`.
///
/// Left out are lists, deeper objects, over-long values, and traits that are something else, by
/// their path.
pub(super) fn attributes(
    traits: &Map<String, Value>,
    prefix: &str,
    is_something_else: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let mut found = Map::new();
    for (name, value) in traits.iter().filter(|(name, _)| !is_something_else(name)) {
        match value {
            Value::Object(inner) => {
                for (inner_name, value) in inner {
                    if !is_something_else(&format!("{name}.{inner_name}")) {
                        insert(&mut found, &format!("{prefix}{name}_{inner_name}"), value);
                    }
                }
            }
            value => insert(&mut found, &format!("{prefix}{name}"), value),
        }
    }
    found
}

/// Inserts a value that an attribute can have. A name that had to be changed does not replace
/// another.
fn insert(attributes: &mut Map<String, Value>, name: &str, value: &Value) {
    let Some(valid) = valid_name(name) else { return };
    let is_taken = valid != name && attributes.contains_key(&valid);
    let is_scalar = !matches!(value, Value::Array(_) | Value::Object(_));
    if is_scalar && !is_taken {
        let alone = Map::from_iter([(valid.clone(), value.clone())]);
        if Attributes::parse(alone).is_ok() {
            attributes.insert(valid, value.clone());
        }
    }
}

/// The name as templates can use it: other characters than letters and digits become `_`. `None` if
/// nothing of it is left.
fn valid_name(name: &str) -> Option<String> {
    let name = name.trim();
    if !name.contains(|character: char| character.is_ascii_alphanumeric()) {
        return None;
    }
    let valid = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let start = if name.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
    Some(start.chars().chain(name.chars().map(valid)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::tests::any_json;
    use super::*;

    fn of(traits: &Value) -> Value {
        let traits = traits.as_object().unwrap();
        Value::Object(attributes(traits, "", |name| name == "email" || name == "phone.home"))
    }

    #[test]
    fn names_are_made_valid() {
        assert_eq!(
            of(&json!({
                "favoriteColor": "red", "first visit": 1, "a.b": 2, "x-y": 3, "$lang": "de",
                "2nd": true, " trimmed ": 4, "größe": 5, "日本": 6, "": 7, "_": 8,
                "n".repeat(65): 9, "email": "a@example.com"
            })),
            json!({
                "favoriteColor": "red", "first_visit": 1, "a_b": 2, "x_y": 3, "_lang": "de",
                "_2nd": true, "trimmed": 4, "gr__e": 5
            })
        );
    }

    #[test]
    fn a_changed_name_does_not_replace_an_exact_one() {
        let exact = json!({ "a_b": 2 });
        assert_eq!(of(&json!({ "a b": 1, "a_b": 2 })), exact);
        assert_eq!(of(&json!({ "a_b": 2, "a b": 1, "a.b": 3 })), exact);
    }

    #[test]
    fn values_are_texts_numbers_and_booleans_and_null_removes() {
        assert_eq!(
            of(&json!({
                "text": "", "number": 1.5, "no": false, "gone": null, "list": [1], "empty": {},
                "long": "x".repeat(2_049), "nul": "a\u{0}b"
            })),
            json!({ "text": "", "number": 1.5, "no": false, "gone": null })
        );
    }

    #[test]
    fn objects_are_flattened_one_level() {
        assert_eq!(
            of(&json!({
                "address": { "city": "Köln", "geo": { "lat": 1 }, "tags": [], "postal code": 50667 },
                "phone": { "home": "1", "work": "2" }
            })),
            json!({ "address_city": "Köln", "address_postal_code": 50667, "phone_work": "2" })
        );
        let group = json!({ "name": "Initech" });
        let group = attributes(group.as_object().unwrap(), "group_", |_| false);
        assert_eq!(Value::Object(group), json!({ "group_name": "Initech" }));
    }

    proptest! {
        #[test]
        fn whatever_the_traits_are_the_attributes_are_valid(traits in any_json()) {
            if let Value::Object(traits) = traits {
                for (name, value) in attributes(&traits, "group_", |_| false) {
                    prop_assert!(Attributes::parse(Map::from_iter([(name, value)])).is_ok());
                }
            }
        }
    }
}
