//! The variables that a template can use for a contact and event, with their values.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;

use super::fault::Side;
use super::value_conversions::display_text;
use super::variable_path::Key;
use super::variables::{Root, Variable, Variables};

/// Maximum number of event properties listed; an event with more is a document, not a list to
/// choose from.
const MAX_PROPERTIES: usize = 24;
/// Maximum nesting depth of listed properties.
const MAX_DEPTH: usize = 4;

/// A variable and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Available {
    /// The variable as written in a template: `contact.attributes.city`.
    pub variable: String,
    /// Its value as text; `None` if it is not set.
    pub value: Option<String>,
}

impl Variables<'_> {
    /// The variables of contact, event and organization. `attributes` adds names of attributes that
    /// the contact may lack.
    pub fn available(&self, attributes: &BTreeSet<String>) -> Vec<Available> {
        let without_keys = |root| Variable { root, keys: Vec::new() };
        let of_contact =
            [Root::FirstName, Root::LastName, Root::Phone, Root::Email, Root::ExternalId]
                .map(without_keys);
        let attributes = attributes
            .iter()
            .map(|name| Variable { root: Root::Attributes, keys: vec![Key::Name(name.clone())] });
        let mut properties = Vec::new();
        if let Some(event) = self.event() {
            collect(event, &mut Vec::new(), &mut properties);
        }
        let properties = properties.into_iter().map(|keys| Variable { root: Root::Event, keys });
        let all = of_contact
            .into_iter()
            .chain(attributes)
            .chain(properties)
            .chain([without_keys(Root::Organization)]);
        all.map(|variable| Available {
            value: self.display_text(&variable),
            variable: variable.to_string(),
        })
        .collect()
    }

    fn display_text(&self, variable: &Variable) -> Option<String> {
        display_text(&self.get(variable)?, Side::Left).ok().map(Cow::into_owned)
    }
}

/// Collects the paths to printable values; the first item of a list represents all.
fn collect(value: &serde_json::Value, path: &mut Vec<Key>, found: &mut Vec<Vec<Key>>) {
    if path.len() > MAX_DEPTH || found.len() >= MAX_PROPERTIES {
        return;
    }
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                path.push(Key::Name(name.clone()));
                collect(field, path, found);
                path.pop();
            }
        }
        serde_json::Value::Array(items) => {
            if let Some(first) = items.first() {
                path.push(Key::Index(0));
                collect(first, path, found);
                path.pop();
            }
        }
        serde_json::Value::Null => {}
        _ if path.is_empty() => {}
        _ => found.push(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::templates::TemplateBody;
    use crate::types::phone::PhoneNumber;

    #[test]
    fn each_available_variable_renders_its_value() {
        let phone = PhoneNumber::from_e164("+14155550123").unwrap();
        let event = json!(
            {
                "order_id": 7,
                "total": 42.0,
                "items": [{ "sku": "A-1" }, { "sku": "B-2" }],
                "gift": null,
                "ship to": { "city": "Oakland" }
            }
        );
        let variables = Variables::for_phone(&phone, Some(&event)).with_organization("Bells");
        let found = variables.available(&BTreeSet::from(["city".to_owned()]));
        let of = |name: &str| {
            found
                .iter()
                .find(|one| one.variable == name)
                .unwrap_or_else(|| panic!("{name}: {found:?}"))
                .value
                .clone()
        };
        assert_eq!(of("contact.phone").as_deref(), Some("+14155550123"));
        assert_eq!((of("contact.first_name"), of("contact.attributes.city")), (None, None));
        assert_eq!(
            (of("event.order_id").as_deref(), of("event.items[0].sku").as_deref()),
            (Some("7"), Some("A-1"))
        );
        assert!(!found.iter().any(|one| one.variable.contains("gift")));
        for Available { variable, value } in &found {
            let body = TemplateBody::parse(&format!("{{{{ {variable} }}}}")).unwrap();
            assert_eq!(body.render(&variables).ok(), *value, "{variable}");
        }
    }

    #[test]
    fn the_list_is_bounded_for_events_of_any_size_and_depth() {
        let phone = PhoneNumber::from_e164("+14155550123").unwrap();
        let mut deep = json!("x");
        for _ in 0..50 {
            deep = json!({ "a": deep });
        }
        let mut event: serde_json::Map<_, _> =
            (0..500).map(|number| (format!("p{number:03}"), json!(number))).collect();
        event.insert("a".to_owned(), deep);
        let event = serde_json::Value::Object(event);
        let found = Variables::for_phone(&phone, Some(&event)).available(&BTreeSet::new());
        assert_eq!(
            found.iter().filter(|one| one.variable.starts_with("event.")).count(),
            MAX_PROPERTIES
        );
    }
}
