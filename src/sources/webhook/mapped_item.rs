//! The item of a webhook's request, by the mapping of its source.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::document::{Document, hex};
use super::locator::Locator;
use super::mapping::{PropertiesMapping, WebhookMapping};
use crate::contacts::{Attributes, Email, ExternalId, Name};
use crate::error::FieldErrors;
use crate::events::{ClientId, EventName, MAX_PROPERTIES_BYTES, Properties};
use crate::sources::{Description, Item, ItemDefaults, ItemEvent, PersonKeys};
use crate::types::country::Country;
use crate::types::date_or_time::DateOrTime;
use crate::types::id::SourceId;
use crate::types::phone::PhoneNumber;

/// The longest name and id of an event that are stored as they are, in characters; otherwise their
/// hash is.
const MAX_ID: usize = 120;
/// The length of a date without a time.
const MAX_DATE_LENGTH: usize = 10;
/// How many characters of a value are quoted in a reason.
const MAX_QUOTED: usize = 40;

/// What a request says, by the mapping of its source.
#[derive(Debug, Clone)]
pub struct MappedItem {
    /// The person and the event.
    pub item: Item,
    /// What was left out, and why; in words for the user.
    pub remarks: Vec<String>,
}

/// The item of a document. The errors name the fields of the mapping, each with its place and what
/// was found there.
pub fn map(
    mapping: &WebhookMapping,
    document: &Document,
    defaults: ItemDefaults,
    source_id: SourceId,
) -> Result<Item, FieldErrors> {
    map_with_remarks(mapping, document, defaults, source_id).map(|mapped| mapped.item)
}

/// Like [`map`], with remarks on what was left out.
///
/// A wrong value of a field that describes the contact is left out, as long as the contact can be
/// known by another one. An event without a readable name, id, time or properties is refused, since
/// automations decide by them.
pub fn map_with_remarks(
    mapping: &WebhookMapping,
    document: &Document,
    defaults: ItemDefaults,
    source_id: SourceId,
) -> Result<MappedItem, FieldErrors> {
    let mut reading = Reading {
        document,
        errors: FieldErrors::default(),
        remarks: Vec::new(),
        wrong_keys: Vec::new(),
    };
    let person = reading.person(mapping, defaults.country);
    let description = reading.description(mapping);
    let at = reading.required("time", mapping.time.as_ref(), |value| {
        let time = DateOrTime::of_json(value).map_err(|error| sentence(&error.to_string()))?;
        Ok(time.instant_in(defaults.zone).to_utc())
    });
    let event = reading.event(mapping, source_id);
    let Reading { errors, remarks, .. } = reading;
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(MappedItem { item: Item { person, description, event, previous_id: None, at }, remarks })
}

/// Whether the organization's settings are needed to read a document: for a number without a
/// country code, or a time that may be a date.
#[must_use]
pub fn needs_defaults(mapping: &WebhookMapping, document: &Document) -> bool {
    let text = |place: &Option<Locator>| {
        place.as_ref().and_then(|place| place.find(document)).and_then(|value| text_of(&value))
    };
    text(&mapping.phone).is_some_and(|phone| !phone.starts_with('+'))
        || text(&mapping.time).is_some_and(|time| time.len() <= MAX_DATE_LENGTH)
}

/// The reading of one document.
struct Reading<'d> {
    document: &'d Document,
    errors: FieldErrors,
    remarks: Vec<String>,
    /// The wrong values of the fields that a person is known by, each as its field and sentence.
    wrong_keys: Vec<(&'static str, String)>,
}

impl Reading<'_> {
    fn person(&mut self, mapping: &WebhookMapping, country: Option<Country>) -> PersonKeys {
        let country = self.country(mapping.country.as_ref()).or(country);
        let phone = self.key("phone", mapping.phone.as_ref(), |text| {
            PhoneNumber::parse(text, country).map_err(|error| error.without_numbers())
        });
        let user_id = self.key("external_id", mapping.external_id.as_ref(), |text| {
            ExternalId::parse(text).map_err(|error| error.to_string())
        });
        let email = self.key("email", mapping.email.as_ref(), |text| {
            Email::parse(text).map_err(|error| error.to_string())
        });
        let keys = PersonKeys { user_id, anonymous_id: None, email, phone };
        let is_known = keys != PersonKeys::default();
        for (field, sentence) in std::mem::take(&mut self.wrong_keys) {
            if is_known {
                self.remarks.push(format!("{field} is left out: {sentence}"));
            } else {
                self.errors.add(field, sentence);
            }
        }
        if !is_known && self.errors.is_empty() {
            let places = [
                ("phone", &mapping.phone),
                ("external_id", &mapping.external_id),
                ("email", &mapping.email),
            ];
            for (field, place) in places {
                if let Some(place) = place {
                    self.errors.add(field, missing(place));
                }
            }
        }
        if !is_known && self.errors.is_empty() {
            self.errors.add("phone", "Nothing is mapped yet. Map this source, then replay this.");
        }
        keys
    }

    fn description(&mut self, mapping: &WebhookMapping) -> Description {
        let name = |text: &str| Name::parse(text).map_err(|error| error.to_string());
        let whole = self.optional("name", mapping.name.as_ref(), |text| Ok(text.to_owned()));
        let first = self.optional("first_name", mapping.first_name.as_ref(), name);
        let last = self.optional("last_name", mapping.last_name.as_ref(), name);
        let (mut first_name, mut last_name) = (first, last);
        if let Some(whole) = whole.filter(|_| first_name.is_none() && last_name.is_none()) {
            let (first, last) =
                whole.split_once(char::is_whitespace).unwrap_or((whole.as_str(), ""));
            first_name = self.kept("name", name(first));
            last_name = Some(last.trim())
                .filter(|last| !last.is_empty())
                .and_then(|last| self.kept("name", name(last)));
        }
        let mut attributes = Map::new();
        for (name, place) in &mapping.attributes {
            let Some(value) = place.find(self.document) else { continue };
            let mut one = Map::new();
            one.insert(name.clone(), value.into_owned());
            match Attributes::parse(one.clone()) {
                Ok(_) => attributes.extend(one),
                Err(errors) => {
                    let reasons: Vec<String> =
                        errors.iter().map(|(_, messages)| messages.join(" ")).collect();
                    self.remarks.push(format!("{name} is left out: {}", reasons.join(" ")));
                }
            }
        }
        Description { first_name, last_name, attributes }
    }

    fn event(&mut self, mapping: &WebhookMapping, source_id: SourceId) -> Option<ItemEvent> {
        let place = mapping.event.as_ref()?;
        if place.find(self.document).is_none() {
            self.errors.add("event", missing(place));
        }
        let name = self.required("event", Some(place), |value| {
            EventName::parse(
                &text_of(value).ok_or_else(|| "An event’s name is a text.".to_owned())?,
            )
        });
        let id = self.required("id", mapping.id.as_ref(), |value| {
            text_of(value).ok_or_else(|| "An id is a text or a number.".to_owned())
        });
        let properties = match &mapping.properties {
            None => Some(Map::new()),
            Some(PropertiesMapping::Named(named)) => Some(self.named_properties(named)),
            Some(PropertiesMapping::Object(place)) => self.object_properties(place),
        };
        let name = name?;
        let client_id = id.and_then(|id| client_id(source_id, &name, &id));
        let properties = self.bounded(properties?)?;
        Some(ItemEvent { client_id, name, properties })
    }

    fn named_properties(&self, named: &[(String, Locator)]) -> Map<String, Value> {
        let value = |(name, place): &(String, Locator)| {
            Some((name.clone(), place.find(self.document)?.into_owned()))
        };
        named.iter().filter_map(value).collect()
    }

    fn object_properties(&mut self, place: &Locator) -> Option<Map<String, Value>> {
        if place.find(self.document).is_none() {
            self.remarks.push(format!("The event has no properties: {}", missing(place)));
            return Some(Map::new());
        }
        self.required("properties", Some(place), |value| match value {
            Value::Object(object) => Ok(object.clone()),
            _ => Err("Properties are an object.".to_owned()),
        })
    }

    /// The properties without the largest ones that make them too large to be stored.
    fn bounded(&mut self, mut object: Map<String, Value>) -> Option<Properties> {
        let size = |(name, value): (&String, &Value)| {
            Value::from(name.as_str()).to_string().len() + value.to_string().len() + 2
        };
        let mut sizes: Vec<(usize, String)> =
            object.iter().map(|field| (size(field), field.0.clone())).collect();
        let mut total: usize = 1 + sizes.iter().map(|(size, _)| size).sum::<usize>();
        if total > MAX_PROPERTIES_BYTES {
            sizes.sort();
            let mut left_out = Vec::new();
            while let Some((size, name)) = sizes.pop().filter(|_| total > MAX_PROPERTIES_BYTES) {
                total -= size;
                object.remove(&name);
                left_out.push(name);
            }
            self.remarks.push(format!(
                "The largest properties are left out, since at most 32 kB are stored: {}",
                quoted(&left_out.join(", "))
            ));
        }
        self.errors.check("properties", Properties::parse(object))
    }

    /// The country of national numbers; an unknown one is left out.
    fn country(&mut self, place: Option<&Locator>) -> Option<Country> {
        self.optional("country", place, |text| {
            Country::parse(text).map_err(|_| "A country is an ISO 3166 code such as US.".to_owned())
        })
    }

    /// A field that a person is known by. A wrong value is remembered, to be refused if there is no
    /// other field.
    fn key<T>(
        &mut self,
        field: &'static str,
        place: Option<&Locator>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let place = place?;
        match self.parsed(place, parse)? {
            Ok(value) => Some(value),
            Err(sentence) => {
                self.wrong_keys.push((field, sentence));
                None
            }
        }
    }

    /// A field that describes the contact; a wrong value is left out with a remark.
    fn optional<T>(
        &mut self,
        field: &str,
        place: Option<&Locator>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = self.parsed(place?, parse)?;
        self.kept(field, parsed)
    }

    fn kept<T>(&mut self, field: &str, parsed: Result<T, String>) -> Option<T> {
        parsed
            .map_err(|sentence| self.remarks.push(format!("{field} is left out: {sentence}")))
            .ok()
    }

    /// The parsed text at a place; `None` if there is none.
    fn parsed<T>(
        &self,
        place: &Locator,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Result<T, String>> {
        let value = place.find(self.document)?;
        let parsed = match text_of(&value) {
            Some(text) => parse(&text),
            None => Err("It must be a text.".to_owned()),
        };
        Some(parsed.map_err(|reason| found(place, &value, &reason)))
    }

    /// A value without which the request is refused if it is wrong; it may be missing.
    fn required<T>(
        &mut self,
        field: &str,
        place: Option<&Locator>,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let place = place?;
        let value = place.find(self.document)?;
        let parsed = parse(&value).map_err(|reason| found(place, &value, &reason));
        self.errors.check(field, parsed)
    }
}

/// A text or number as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The id of an event as it is stored. The source and the event's name are part of it, so that the
/// order 7 may be both created and paid.
fn client_id(source_id: SourceId, name: &EventName, id: &str) -> Option<ClientId> {
    let id = format!("{}:{id}", name.as_str());
    let is_plain = id.chars().count() <= MAX_ID && !id.chars().any(char::is_control);
    let id = if is_plain { id } else { hex(&Sha256::digest(id)) };
    ClientId::parse(&format!("{}:{id}", source_id.0.simple())).ok()
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn missing(place: &Locator) -> String {
    format!("There is nothing at {}.", place.as_str())
}

/// The reason for a wrong value: its place, what was found there, and why that is wrong.
fn found(place: &Locator, value: &Value, reason: &str) -> String {
    let kind = match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => quoted(&number.to_string()),
        Value::String(text) => format!("“{}”", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    format!("Found {kind} at {}. {reason}", place.as_str())
}

/// The beginning of a text, in one line.
fn quoted(text: &str) -> String {
    let mut start: String = text
        .chars()
        .take(MAX_QUOTED)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(MAX_QUOTED).is_some() {
        start.push('…');
    }
    start
}

#[cfg(test)]
#[path = "mapped_item_tests.rs"]
mod tests;
