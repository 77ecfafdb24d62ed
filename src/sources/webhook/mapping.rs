//! Where a webhook's requests have the contact and the event: a mapping, as users write it.

use serde_json::{Map, Value};

use super::locator::{Also, Locator};
use crate::contacts::Attributes;
use crate::error::FieldErrors;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::Mistake;

/// The largest number of named properties, and of attributes.
const MAX_NAMED: usize = 64;
/// Maximum length of a property's name in characters.
const MAX_PROPERTY_NAME: usize = 100;
/// The field of the API that holds a mapping, with which the fields of errors begin.
const PATH: &str = "mapping";
const EXAMPLE: &str =
    "{\"phone\": \"$.customer.phone\", \"event\": \"order_created\", \"properties\": \"$\"}";
const NAMED_EXAMPLE: &str = "{\"city\": \"$.address.city\"}";

/// Where the contact and the event are; what is absent is not read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WebhookMapping {
    /// The contact's phone number.
    pub phone: Option<Locator>,
    /// The country of a number without a country code, as an ISO 3166 code such as `US`; otherwise
    /// the organization's.
    pub country: Option<Locator>,
    /// The contact's id in the user's own system.
    pub external_id: Option<Locator>,
    /// The contact's email address.
    pub email: Option<Locator>,
    /// The contact's first name.
    pub first_name: Option<Locator>,
    /// The contact's last name.
    pub last_name: Option<Locator>,
    /// The contact's whole name, for the first and last names that are missing.
    pub name: Option<Locator>,
    /// The event's name, or the place that has it. Without it, requests only describe contacts.
    pub event: Option<Locator>,
    /// What is different in each event and the same in its repetitions.
    pub id: Option<Locator>,
    /// When the event happened; otherwise when it arrives.
    pub time: Option<Locator>,
    /// The event's properties.
    pub properties: Option<PropertiesMapping>,
    /// The contact's attributes, each with its name.
    pub attributes: Vec<(String, Locator)>,
}

/// Where the properties of an event are.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertiesMapping {
    /// In an object of the body: `"$"` for all of it.
    Object(Locator),
    /// Each property by itself, with its name.
    Named(Vec<(String, Locator)>),
}

impl WebhookMapping {
    /// Parses a mapping; errors are those of `mapping.phone` and so on. It may be empty, until a
    /// first request shows what there is to map.
    pub fn parse(value: &Value) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mapping = Self::read(value, &mut errors);
        match mapping {
            Some(mapping) if errors.is_empty() => Ok(mapping),
            _ => Err(errors),
        }
    }

    fn read(value: &Value, errors: &mut FieldErrors) -> Option<Self> {
        let mut reader = ObjectReader::open(PATH, value, EXAMPLE, errors)?;
        reader.only(&[
            "phone",
            "country",
            "external_id",
            "email",
            "first_name",
            "last_name",
            "name",
            "event",
            "id",
            "time",
            "properties",
            "attributes",
        ]);
        let mut place =
            |field: &str, also: Also| reader.text(field, |text| Locator::parse(text, also));
        let mapping = Self {
            phone: place("phone", Also::Nothing),
            country: place("country", Also::Nothing),
            external_id: place("external_id", Also::Nothing),
            email: place("email", Also::Nothing),
            first_name: place("first_name", Also::Nothing),
            last_name: place("last_name", Also::Nothing),
            name: place("name", Also::Nothing),
            event: place("event", Also::Literal),
            id: place("id", Also::BodyHash),
            time: place("time", Also::Nothing),
            properties: None,
            attributes: Vec::new(),
        };
        let properties = read_properties(&mut reader);
        let attributes = read_attributes(&mut reader);
        let is_empty = value.as_object().is_some_and(Map::is_empty);
        let is_filled = |field: &&str| {
            let value = reader.value(field);
            value.is_some_and(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
        };
        let has_person = ["phone", "external_id", "email"].iter().any(is_filled);
        if !has_person && !is_empty {
            let hint = "Say where the phone number is, such as $.customer.phone.";
            reader.wrong("phone", Mistake::Missing.with_hint(hint));
        }
        Some(Self { properties, attributes, ..mapping })
    }

    /// The mapping as JSON, as it was written.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        for (name, place) in self.places() {
            object.insert(name.to_owned(), place.as_str().into());
        }
        match &self.properties {
            None => {}
            Some(PropertiesMapping::Object(place)) => {
                object.insert("properties".to_owned(), place.as_str().into());
            }
            Some(PropertiesMapping::Named(named)) => {
                object.insert("properties".to_owned(), named_to_value(named));
            }
        }
        if !self.attributes.is_empty() {
            object.insert("attributes".to_owned(), named_to_value(&self.attributes));
        }
        Value::Object(object)
    }

    /// The headers that the mapping names, in lower case.
    #[must_use]
    pub fn headers(&self) -> Vec<&str> {
        let properties: &[(String, Locator)] = match &self.properties {
            Some(PropertiesMapping::Named(named)) => named,
            Some(PropertiesMapping::Object(_)) | None => &[],
        };
        let named = properties.iter().chain(&self.attributes).map(|(_, place)| place);
        self.places().map(|(_, place)| place).chain(named).flat_map(Locator::headers).collect()
    }

    /// The single places, with the names of their fields.
    fn places(&self) -> impl Iterator<Item = (&'static str, &Locator)> {
        let places = [
            ("phone", &self.phone),
            ("country", &self.country),
            ("external_id", &self.external_id),
            ("email", &self.email),
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
            ("name", &self.name),
            ("event", &self.event),
            ("id", &self.id),
            ("time", &self.time),
        ];
        places.into_iter().filter_map(|(name, place)| Some((name, place.as_ref()?)))
    }
}

fn named_to_value(named: &[(String, Locator)]) -> Value {
    Value::Object(named.iter().map(|(name, place)| (name.clone(), place.as_str().into())).collect())
}

fn read_properties(reader: &mut ObjectReader<'_, '_>) -> Option<PropertiesMapping> {
    if let Some(Value::Object(named)) = reader.value("properties") {
        for name in named.keys().filter(|name| !is_property_name(name)) {
            let field = format!("properties.{}", name.replace('\0', "\u{fffd}"));
            reader.wrong(&field, "A property’s name is one line of up to 100 characters.");
        }
        return Some(PropertiesMapping::Named(read_named(reader, "properties")));
    }
    let place = reader.text("properties", |text| Locator::parse(text, Also::Nothing));
    place.map(PropertiesMapping::Object)
}

fn is_property_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= MAX_PROPERTY_NAME
        && !name.chars().any(char::is_control)
}

fn read_attributes(reader: &mut ObjectReader<'_, '_>) -> Vec<(String, Locator)> {
    if let Some(Value::Object(named)) = reader.value("attributes") {
        let values = named.keys().map(|name| (name.clone(), Value::Bool(true))).collect();
        if let Err(wrong) = Attributes::parse(values) {
            for (field, messages) in wrong.iter() {
                reader.wrong(&field.replace('\0', "\u{fffd}"), messages.join(" "));
            }
        }
    }
    read_named(reader, "attributes")
}

/// The places of an object's fields, each by its name.
fn read_named(reader: &mut ObjectReader<'_, '_>, field: &'static str) -> Vec<(String, Locator)> {
    let Some(value) = reader.value(field) else { return Vec::new() };
    let path = reader.path_of(field);
    let Some(mut inner) = ObjectReader::open(&path, value, NAMED_EXAMPLE, reader.errors()) else {
        return Vec::new();
    };
    let named = value.as_object().into_iter().flatten();
    let place = |(name, _): (&String, &Value)| {
        let place = inner.required_text(name, |text| Locator::parse(text, Also::Nothing))?;
        Some((name.clone(), place))
    };
    let places: Vec<_> = named.filter_map(place).collect();
    if places.len() > MAX_NAMED {
        reader.wrong(field, Mistake::TooMany(MAX_NAMED, field));
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Vec<String> {
        let errors = WebhookMapping::parse(value).unwrap_err();
        errors.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn a_mapping_is_kept_as_it_was_written() {
        let written = json!({
            "phone": "$.phone || $.customer.phone",
            "event": "header:X-Shopify-Topic || order",
            "id": "body",
            "properties": {"total": "$.total_price", "topic": "header:X-Topic"},
            "attributes": {"city": "$.address.city"},
        });
        let mapping = WebhookMapping::parse(&written).unwrap();
        assert_eq!(mapping.to_value(), written);
        assert_eq!(mapping.headers(), ["x-shopify-topic", "x-topic"]);
        let short = json!({"email": "$.email", "properties": "$"});
        assert_eq!(WebhookMapping::parse(&short).unwrap().to_value(), short);
    }

    #[test]
    fn every_fault_of_a_mapping_is_named_at_once() {
        let wrong = json!({
            "phone": "customer.phone",
            "event": 7,
            "id": "order",
            "time": "$..a..b",
            "propertys": "$",
            "properties": {"": "$", "a": "b"},
            "attributes": {"first name": "$.a", "city": null, "size": "$."},
        });
        assert_eq!(
            fields(&wrong),
            [
                "mapping.attributes.city",
                "mapping.attributes.first name",
                "mapping.attributes.size",
                "mapping.event",
                "mapping.id",
                "mapping.phone",
                "mapping.properties.",
                "mapping.properties.a",
                "mapping.propertys",
                "mapping.time",
            ]
        );
        assert_eq!(fields(&json!({"event": "order"})), ["mapping.phone"]);
        assert_eq!(fields(&json!({"phone": " ", "event": "order"})), ["mapping.phone"]);
        assert_eq!(fields(&json!({"phone": "$.a", "attributes": "$"})), ["mapping.attributes"]);
        assert_eq!(fields(&json!([])), ["mapping"]);
        assert_eq!(WebhookMapping::parse(&json!({})), Ok(WebhookMapping::default()));
    }

    proptest! {
        #[test]
        fn any_mapping_is_parsed_or_refused(
            field in "phone|event|id|properties|attributes|x", name in ".{0,5}", text in ".{0,40}"
        ) {
            for value in [json!({ &field: &text }), json!({ &field: { &name: &text } })] {
                if let Ok(mapping) = WebhookMapping::parse(&value) {
                    prop_assert_eq!(WebhookMapping::parse(&mapping.to_value()), Ok(mapping));
                }
            }
        }
    }
}
