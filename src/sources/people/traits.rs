//! What is known about a person besides their keys: on their contact, or kept until they have one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::contacts::{Contact, MAX_ATTRIBUTES};
use crate::sources::Item;

/// Names, email address and attributes of a person. In what an item says, a null attribute removes
/// one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Traits {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
}

/// What a new description does to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is the newest: its values replace others.
    Replaces,
    /// It is older, or only mentions them: its values are used where there are none.
    FillsIn,
}

impl Traits {
    /// What an item says.
    pub(super) fn of_item(item: &Item) -> Self {
        let description = &item.description;
        Self {
            first_name: description.first_name.as_ref().map(|name| name.as_str().to_owned()),
            last_name: description.last_name.as_ref().map(|name| name.as_str().to_owned()),
            email: item.person.email.as_ref().map(|email| email.as_str().to_owned()),
            attributes: description.attributes.clone(),
        }
    }

    /// Reads those of a profile.
    pub(super) fn of_profile(stored: Value) -> Self {
        serde_json::from_value(stored).unwrap_or_default()
    }

    /// The JSON object for a profile.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| Value::Object(Map::new()))
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) const fn has_email(&self) -> bool {
        self.email.is_some()
    }

    /// Adds what is said to a contact.
    pub(super) fn add_to_contact(&self, contact: &mut Contact, weight: Weight) {
        let attributes = match contact.attributes.take() {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        };
        let mut known = Self {
            first_name: contact.first_name.take(),
            last_name: contact.last_name.take(),
            email: contact.email.take(),
            attributes,
        };
        known.learn(self, weight);
        contact.first_name = known.first_name;
        contact.last_name = known.last_name;
        contact.email = known.email;
        contact.attributes = Value::Object(known.attributes);
    }

    /// Adds what is said. Attributes beyond the number that a contact can have are left out.
    pub(super) fn learn(&mut self, said: &Self, weight: Weight) {
        learn_text(&mut self.first_name, said.first_name.as_ref(), weight);
        learn_text(&mut self.last_name, said.last_name.as_ref(), weight);
        learn_text(&mut self.email, said.email.as_ref(), weight);
        if weight == Weight::Replaces {
            // First, so that one that goes makes room for another.
            for (name, _) in said.attributes.iter().filter(|(_, value)| value.is_null()) {
                self.attributes.remove(name);
            }
        }
        for (name, value) in said.attributes.iter().filter(|(_, value)| !value.is_null()) {
            let count = self.attributes.len();
            match self.attributes.get_mut(name) {
                Some(known) if weight == Weight::Replaces => known.clone_from(value),
                None if count < MAX_ATTRIBUTES => {
                    self.attributes.insert(name.clone(), value.clone());
                }
                Some(_) | None => {}
            }
        }
    }
}

fn learn_text(known: &mut Option<String>, said: Option<&String>, weight: Weight) {
    if let Some(said) = said
        && (known.is_none() || weight == Weight::Replaces)
    {
        *known = Some(said.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn traits(value: Value) -> Traits {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_newest_description_replaces_and_an_older_one_fills_in() {
        let stored = || traits(json!({ "first_name": "Ann", "attributes": { "city": "Köln" } }));
        let said = traits(json!({
            "first_name": "Anna",
            "last_name": "Smith",
            "attributes": { "city": "Bonn", "vip": true },
        }));
        let mut known = stored();
        known.learn(&said, Weight::Replaces);
        assert_eq!(known, said);
        let mut known = stored();
        known.learn(&said, Weight::FillsIn);
        let filled_in = json!({
            "first_name": "Ann",
            "last_name": "Smith",
            "attributes": { "city": "Köln", "vip": true },
        });
        assert_eq!(known, traits(filled_in));
    }

    #[test]
    fn null_removes_unless_it_is_old() {
        let said = traits(json!({ "attributes": { "city": null, "new": null } }));
        let stored = json!({ "attributes": { "city": "Köln" } });
        let mut known = traits(stored.clone());
        known.learn(&said, Weight::FillsIn);
        assert_eq!(known, traits(stored));
        known.learn(&said, Weight::Replaces);
        assert!(known.is_empty());
    }

    #[test]
    fn surplus_attributes_are_left_out_and_removed_ones_make_room() {
        let mut known = Traits::default();
        let many = (0..70).map(|n| (format!("a{n:02}"), json!(n))).collect();
        known.learn(&Traits { attributes: many, ..Traits::default() }, Weight::Replaces);
        assert_eq!(known.attributes.len(), MAX_ATTRIBUTES);
        known.learn(&traits(json!({ "attributes": { "a00": 7, "b": 1 } })), Weight::Replaces);
        assert_eq!(known.attributes["a00"], 7, "a known one still changes");
        assert!(!known.attributes.contains_key("b"));
        known.learn(
            &traits(json!({ "attributes": { "b": 1, "zz": null, "a01": null } })),
            Weight::Replaces,
        );
        assert_eq!(known.attributes["b"], 1);
    }

    fn any_traits() -> impl Strategy<Value = Traits> {
        let value = prop_oneof![Just(Value::Null), any::<u8>().prop_map(Value::from)];
        let attributes = prop::collection::hash_map("[a-d]", value, 0..4);
        (prop::option::of("[a-c]"), prop::option::of("[a-c]"), attributes).prop_map(
            |(first_name, email, attributes)| Traits {
                first_name,
                last_name: None,
                email,
                attributes: attributes.into_iter().collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_said_twice_changes_nothing_more(
            stored in any_traits(),
            said in any_traits(),
            replaces in any::<bool>(),
        ) {
            let weight = if replaces { Weight::Replaces } else { Weight::FillsIn };
            let mut once = stored;
            once.learn(&said, weight);
            let mut twice = once.clone();
            twice.learn(&said, weight);
            prop_assert_eq!(&twice, &once);
            let read = Traits::of_profile(once.to_value());
            prop_assert_eq!(read, once);
        }
    }
}
