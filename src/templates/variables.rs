//! The variables that a template may use, and their values from contact, event and organization.

use tera::Value;

use super::foreign_variables::{KNOWN_FORMS, native_path};
use super::value_kinds::Kinds;
use super::variable_path::{Key, equivalent_variable, inner_property, is_identifier, path_text};
use crate::contacts::Contact;
use crate::types::phone::PhoneNumber;

/// End of every sentence about a variable without a value.
pub const NO_DEFAULT: &str = "and the template gives no default";

/// List of the variables, for messages about unknown names.
pub(super) const AVAILABLE: &str = "contact.first_name, contact.last_name, contact.name, contact.phone, contact.email, \
     contact.external_id, contact.attributes.*, event.*, organization.name";

const FIELDS: [&str; 5] = ["first_name", "last_name", "phone", "email", "external_id"];

/// The values for rendering a template; borrowed, and looked up only for the variables that it
/// uses.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    contact: Option<&'a Contact>,
    phone: &'a PhoneNumber,
    event: Option<&'a serde_json::Value>,
    organization: Option<&'a str>,
}

impl<'a> Variables<'a> {
    /// Variables of a contact and of the properties (an object) of the event that triggered the
    /// message, if any.
    pub fn new(contact: &'a Contact, event_properties: Option<&'a serde_json::Value>) -> Self {
        Self {
            contact: Some(contact),
            phone: &contact.phone,
            event: event_properties,
            organization: None,
        }
    }

    /// Variables for a number without a contact: `contact.phone` is set, the rest of `contact` is
    /// not.
    pub fn for_phone(
        phone: &'a PhoneNumber,
        event_properties: Option<&'a serde_json::Value>,
    ) -> Self {
        Self { contact: None, phone, event: event_properties, organization: None }
    }

    /// Adds `organization.name`.
    #[must_use]
    pub fn with_organization(self, name: &'a str) -> Self {
        Self { organization: Some(name), ..self }
    }

    /// The properties of the event, if any.
    pub(super) fn event(&self) -> Option<&'a serde_json::Value> {
        self.event
    }

    /// The value of a variable; null, a blank field and an absent property all count as not set.
    pub(super) fn get(&self, variable: &Variable) -> Option<Value> {
        let contact = |field: fn(&Contact) -> &Option<String>| {
            self.contact
                .and_then(|contact| field(contact).as_deref())
                .filter(|text| !text.trim().is_empty())
                .map(Value::from)
        };
        match &variable.root {
            Root::FirstName => contact(|contact| &contact.first_name),
            Root::FullName => {
                let person = self.contact?;
                let names = [&person.first_name, &person.last_name].into_iter().flatten();
                let names = names.map(|name| name.trim()).filter(|name| !name.is_empty());
                let name = names.collect::<Vec<_>>().join(" ");
                Some(name).filter(|name| !name.is_empty()).map(Value::from)
            }
            Root::LastName => contact(|contact| &contact.last_name),
            Root::Email => contact(|contact| &contact.email),
            Root::ExternalId => contact(|contact| &contact.external_id),
            Root::Phone => Some(Value::from(self.phone.as_str())),
            Root::Organization => {
                self.organization.filter(|name| !name.is_empty()).map(Value::from)
            }
            Root::Attributes => value_at(&self.contact?.attributes, &variable.keys),
            Root::Event => {
                let (event, keys) = (self.event?, variable.keys.as_slice());
                value_at(event, keys).or_else(|| value_at(event, inner_property(keys)?))
            }
        }
    }
}

/// A variable as written in a template: `contact.attributes.address.city`, `event.items[0].sku`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) root: Root,
    /// The path after `contact.attributes` or `event`, not empty; empty for the other roots.
    pub(super) keys: Vec<Key>,
}

/// The source of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    FirstName,
    LastName,
    /// First and last name, as far as they are set.
    FullName,
    Phone,
    Email,
    ExternalId,
    Attributes,
    Event,
    Organization,
}

impl Variable {
    /// Parses a path such as `["contact", "first_name"]`, also in the forms of other tools; the
    /// error lists the alternatives.
    pub(super) fn parse(path: Vec<Key>) -> Result<Self, String> {
        let path = match native_path(&path) {
            Some(native) => native?,
            None => path,
        };
        let unknown = |path: &[Key]| match equivalent_variable(path) {
            Some(ours) => {
                format!("There is no variable “{}”; did you mean {ours}?", path_text(path))
            }
            None => format!(
                "There is no variable “{}”. Use one of: {AVAILABLE}. Carillon also knows {KNOWN_FORMS}.",
                path_text(path)
            ),
        };
        let mut rest = path.iter().map(|key| match key {
            Key::Name(name) => name.as_str(),
            Key::Index(_) => "",
        });
        let (root, used) = match (rest.next().unwrap_or_default(), rest.next(), path.len()) {
            ("contact", None, _) => {
                return Err(
                    "“contact” alone has no text. Name a field, such as contact.first_name."
                        .to_owned(),
                );
            }
            ("contact", Some("first_name"), 2) => (Root::FirstName, 2),
            ("contact", Some("last_name"), 2) => (Root::LastName, 2),
            ("contact", Some("name"), 2) => (Root::FullName, 2),
            ("contact", Some("phone"), 2) => (Root::Phone, 2),
            ("contact", Some("email"), 2) => (Root::Email, 2),
            ("contact", Some("external_id"), 2) => (Root::ExternalId, 2),
            ("contact", Some("attributes"), 2) => {
                return Err("“contact.attributes” alone has no text. Name an attribute, such as \
                     contact.attributes.city."
                    .to_owned());
            }
            ("contact", Some("attributes"), _) => (Root::Attributes, 2),
            ("contact", Some(name), 2) => {
                let field = FIELDS
                    .iter()
                    .find(|field| strsim::damerau_levenshtein(field, name) <= 2)
                    .map(|field| format!("contact.{field}"));
                return Err(
                    match field.or_else(|| equivalent_variable(&path).map(str::to_owned)) {
                        Some(field) => {
                            format!("There is no variable “contact.{name}”; did you mean {field}?")
                        }
                        None => format!(
                            "There is no variable “contact.{name}”. If it is an attribute, write \
                         contact.attributes.{name}; \
                         otherwise use one of: {AVAILABLE}."
                        ),
                    },
                );
            }
            ("event", None, _) => {
                return Err("“event” alone has no text. Name a property, such as event.order_id."
                    .to_owned());
            }
            ("event", Some(_), _) => (Root::Event, 1),
            ("organization", Some("name"), 2) => (Root::Organization, 2),
            _ => return Err(unknown(&path)),
        };
        Ok(Self { root, keys: path.into_iter().skip(used).collect() })
    }

    /// The possible kinds of its value: fields of contacts and organizations are text.
    pub(super) const fn kinds(&self) -> Kinds {
        match self.root {
            Root::Attributes | Root::Event => Kinds::ANY,
            Root::FirstName
            | Root::LastName
            | Root::FullName
            | Root::Phone
            | Root::Email
            | Root::ExternalId
            | Root::Organization => Kinds::TEXT,
        }
    }

    /// The sentence that this variable has no value.
    pub(super) fn not_set(&self) -> String {
        let scope = match self.root {
            Root::Event => "in this event",
            Root::Organization => "in the settings",
            _ => "for this contact",
        };
        format!("{self} is not set {scope}, {NO_DEFAULT}")
    }
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.root {
            Root::FirstName => "contact.first_name",
            Root::LastName => "contact.last_name",
            Root::FullName => "contact.name",
            Root::Phone => "contact.phone",
            Root::Email => "contact.email",
            Root::ExternalId => "contact.external_id",
            Root::Attributes => "contact.attributes",
            Root::Event => "event",
            Root::Organization => "organization.name",
        })?;
        if !self.keys.is_empty() {
            f.write_str(
                if matches!(self.keys.first(), Some(Key::Name(name)) if is_identifier(name)) {
                    "."
                } else {
                    ""
                },
            )?;
            f.write_str(&path_text(&self.keys))?;
        }
        Ok(())
    }
}

fn value_at(object: &serde_json::Value, keys: &[Key]) -> Option<Value> {
    let found = keys.iter().try_fold(object, |value, key| match key {
        Key::Name(name) => value.get(name),
        Key::Index(index) => value.get(index),
    })?;
    value(found)
}

fn value(json: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    match json {
        Json::Null => None,
        Json::Bool(truth) => Some(Value::from(*truth)),
        Json::String(text) => Some(Value::from(text.as_str())),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from)),
        Json::Array(items) => Some(Value::from(
            items.iter().map(|item| value(item).unwrap_or_else(Value::none)).collect::<Vec<_>>(),
        )),
        Json::Object(fields) => {
            let fields =
                fields.iter().filter_map(|(name, field)| Some((name.clone(), value(field)?)));
            Some(Value::from(fields.collect::<std::collections::BTreeMap<_, _>>()))
        }
    }
}

/// A variable of a template that has no value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unset {
    /// The variable in Carillon’s own form: `event.order_id`.
    pub variable: String,
    /// Whether every use of the variable has a default.
    pub has_default: bool,
}

#[cfg(test)]
#[path = "variables_tests.rs"]
mod tests;
