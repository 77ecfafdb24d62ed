//! The input of the editor of a mapping, to and from the mapping's JSON form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::snippets::sample_of;
use crate::error::FieldErrors;
use crate::sources::{Source, SourceKind};

/// The fields of a webhook's mapping that are one path or word, with their names for people.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("phone", "Phone"),
    ("external_id", "External id"),
    ("email", "Email"),
    ("country", "Country"),
    ("name", "Whole name"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("event", "Event"),
    ("event_id", "Event id"),
    ("time", "Time"),
    ("properties", "Properties"),
    ("attributes", "Attributes"),
];

/// The input; `phone_trait` is the only field of a Segment-compatible source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MappingForm {
    pub(super) phone_trait: String,
    phone: String,
    external_id: String,
    email: String,
    country: String,
    name: String,
    first_name: String,
    last_name: String,
    event: String,
    /// The field `id` of the mapping; a field of that name would hide the id of the form element.
    event_id: String,
    time: String,
    /// One path of an object, or a line for each property: `total = $.total_price`.
    properties: String,
    /// A line for each attribute: `city = $.address.city`.
    attributes: String,
    /// The number of the captured delivery to try it with; blank for the written sample.
    pub(super) delivery: String,
    /// A body that the user has written or pasted.
    pub(super) sample: String,
    /// The pressed button.
    #[serde(skip_serializing)]
    pub(super) action: String,
}

impl MappingForm {
    /// The input that shows a source's mapping, with an example of what it sends.
    pub(super) fn of(source: &Source) -> Self {
        Self {
            sample: sample_of(source).sample_body.to_owned(),
            ..Self::of_mapping(&source.mapping)
        }
    }

    fn of_mapping(mapping: &Value) -> Self {
        let text = |field: &str| mapping[field].as_str().unwrap_or_default().to_owned();
        Self {
            phone_trait: text("phone_trait"),
            phone: text("phone"),
            external_id: text("external_id"),
            email: text("email"),
            country: text("country"),
            name: text("name"),
            first_name: text("first_name"),
            last_name: text("last_name"),
            event: text("event"),
            event_id: text("id"),
            time: text("time"),
            properties: written(&mapping["properties"]),
            attributes: written(&mapping["attributes"]),
            delivery: String::new(),
            sample: String::new(),
            action: String::new(),
        }
    }

    /// The mapping as JSON, without blank fields; the error is that of a line that names no
    /// attribute.
    pub(super) fn read(&self, kind: SourceKind) -> Result<Value, FieldErrors> {
        let texts: &[(&str, &String)] = match kind {
            SourceKind::Segment => &[("phone_trait", &self.phone_trait)],
            SourceKind::Webhook => &[
                ("phone", &self.phone),
                ("external_id", &self.external_id),
                ("email", &self.email),
                ("country", &self.country),
                ("name", &self.name),
                ("first_name", &self.first_name),
                ("last_name", &self.last_name),
                ("event", &self.event),
                ("id", &self.event_id),
                ("time", &self.time),
            ],
        };
        let filled = texts.iter().filter(|(_, text)| !text.trim().is_empty());
        let mut mapping: Map<String, Value> =
            filled.map(|(name, text)| ((*name).to_owned(), text.trim().into())).collect();
        if kind == SourceKind::Webhook {
            let properties = self.properties.trim();
            if is_named(properties) {
                mapping.insert("properties".to_owned(), named("properties", properties)?);
            } else if !properties.is_empty() {
                mapping.insert("properties".to_owned(), properties.into());
            }
            if !self.attributes.trim().is_empty() {
                mapping.insert("attributes".to_owned(), named("attributes", &self.attributes)?);
            }
        }
        Ok(Value::Object(mapping))
    }
}

/// Whether properties are written as names with their paths, and not as one path.
fn is_named(properties: &str) -> bool {
    properties.contains('=') && !properties.starts_with('$') && !properties.starts_with("header:")
}

/// A path as it is, or a line for each name of an object.
fn written(value: &Value) -> String {
    let line =
        |(name, path): (&String, &Value)| format!("{name} = {}", path.as_str().unwrap_or_default());
    match value {
        Value::Object(named) => named.iter().map(line).collect::<Vec<_>>().join("\n"),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// The object that lines of names and paths stand for; the error is one of `field`.
fn named(field: &str, text: &str) -> Result<Value, FieldErrors> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| match line.split_once('=') {
        Some((name, path)) if !name.trim().is_empty() && !path.trim().is_empty() => {
            Ok((name.trim().to_owned(), Value::from(path.trim())))
        }
        _ => {
            let text = "Write a name and a path on each line, such as city = $.address.city.";
            Err(FieldErrors::default().with(field, text))
        }
    };
    lines.map(pair).collect()
}

/// The errors of the slice by the fields of the form: those of one attribute stand beside all.
pub(super) fn shown_errors(errors: &FieldErrors) -> FieldErrors {
    let mut shown = FieldErrors::default();
    for (path, messages) in errors.iter() {
        let path = path.strip_prefix("mapping.").unwrap_or(path);
        let (field, attribute) = match path.split_once('.') {
            Some((field, attribute)) => (field, Some(attribute)),
            None => (path, None),
        };
        let field = if field == "id" { "event_id" } else { field };
        let is_known = field == "phone_trait" || FIELDS.iter().any(|(name, _)| *name == field);
        for message in messages {
            match attribute {
                Some(attribute) if is_known => shown.add(field, format!("{attribute}: {message}")),
                _ => shown.add(if is_known { field } else { "form" }, message),
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mapping_survives_a_round_trip() {
        let webhook = json!({
            "phone": "$.customer.phone",
            "event": "header:X-Shopify-Topic",
            "properties": "$",
            "attributes": { "city": "$.address.city", "plan": "$['plan = x']" },
        });
        assert_eq!(MappingForm::of_mapping(&webhook).read(SourceKind::Webhook), Ok(webhook));
        let named = json!({ "name": "$.name", "properties": { "total": "$.sum", "hour": "$.at" } });
        assert_eq!(MappingForm::of_mapping(&named).read(SourceKind::Webhook), Ok(named));
        let segment = json!({ "phone_trait": "mobile" });
        assert_eq!(MappingForm::of_mapping(&segment).read(SourceKind::Segment), Ok(segment));
    }

    #[test]
    fn a_line_without_a_path_is_an_error_of_the_attributes() {
        for attributes in ["city", "= $.a", "city ="] {
            let form = MappingForm { attributes: attributes.to_owned(), ..MappingForm::default() };
            let errors = form.read(SourceKind::Webhook).unwrap_err();
            assert!(errors.iter().all(|(field, _)| field == "attributes"), "{errors}");
        }
    }

    #[test]
    fn errors_stand_beside_the_fields_of_the_form() {
        let errors = FieldErrors::default()
            .with("mapping.phone", "a")
            .with("id", "d")
            .with("attributes.city", "b")
            .with("surprise", "c");
        let shown = FieldErrors::default()
            .with("phone", "a")
            .with("event_id", "d")
            .with("attributes", "city: b")
            .with("form", "c");
        assert_eq!(shown_errors(&errors), shown);
    }
}
