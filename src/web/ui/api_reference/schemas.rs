//! The schemas of the OpenAPI document, as the page shows them.

use serde::Serialize;
use serde_json::Value;

use super::description::{self, DescriptionPart};

/// The beginning of the names of schemas for a page of a list, which the page explains once.
const LIST: &str = "List_";

/// A schema with its fields.
#[derive(Debug, Serialize)]
pub(super) struct SchemaView {
    name: String,
    description: Vec<DescriptionPart>,
    /// The names of schemas whose fields it has, too.
    includes: Vec<String>,
    fields: Vec<FieldView>,
    /// The forms of which it has one.
    variants: Vec<SchemaVariant>,
}

/// One of several forms of a schema.
#[derive(Debug, Serialize)]
struct SchemaVariant {
    description: Vec<DescriptionPart>,
    fields: Vec<FieldView>,
}

/// A field of a schema, or a parameter of an operation.
#[derive(Debug, Serialize)]
pub(super) struct FieldView {
    pub(super) name: String,
    pub(super) kind: FieldKind,
    /// Where a parameter stands: `path`, `query` or `header`; empty for a field.
    pub(super) place: String,
    pub(super) is_required: bool,
    pub(super) description: Vec<DescriptionPart>,
}

/// The type of a value.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct FieldKind {
    /// The type in words, such as `string, uuid` or `list of`.
    text: String,
    /// The name of the schema that follows the words, if there is one.
    schema: Option<String>,
}

/// All schemas by name, except pages of lists.
pub(super) fn all(document: &Value) -> Vec<SchemaView> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.starts_with(LIST))
        .map(|(name, schema)| SchemaView::new(name, schema))
        .collect()
}

/// The type of the values that a schema describes.
pub(super) fn kind(schema: &Value) -> FieldKind {
    if let Some(name) = reference(schema) {
        return match name.strip_prefix(LIST) {
            Some(item) => FieldKind { text: "page of".to_owned(), schema: Some(item.to_owned()) },
            None => FieldKind { text: String::new(), schema: Some(name.to_owned()) },
        };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let of_value = choices.iter().find(|choice| choice["type"] != "null");
        return of_value.map(kind).unwrap_or_default();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return FieldKind { text: values.join(" or "), schema: None };
    }
    let name = match &schema["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    if name == "array" {
        let item = kind(&schema["items"]);
        let text = format!("list of {}", item.text).trim_end().to_owned();
        return FieldKind { text, schema: item.schema };
    }
    // Formats such as `int32` tell nothing that readers need.
    let format =
        schema["format"].as_str().filter(|format| ["uuid", "date", "date-time"].contains(format));
    let text = format.map_or_else(|| name.to_owned(), |format| format!("{name}, {format}"));
    FieldKind { text, schema: None }
}

/// The name of the schema that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The fields of an object, the required ones first.
fn fields(schema: &Value) -> Vec<FieldView> {
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|required| required.iter().any(|field| field == name));
    let properties = schema["properties"].as_object();
    let mut fields: Vec<FieldView> = properties
        .into_iter()
        .flatten()
        .map(|(name, field)| FieldView {
            name: name.clone(),
            kind: kind(field),
            place: String::new(),
            is_required: is_required(name),
            description: described(field),
        })
        .collect();
    fields.sort_by_key(|field| !field.is_required);
    fields
}

/// The description of a schema; of an optional one, that of its value.
fn described(schema: &Value) -> Vec<DescriptionPart> {
    let own = schema["description"].as_str();
    let of_choice =
        || schema["oneOf"].as_array()?.iter().find_map(|one| one["description"].as_str());
    description::parts(own.or_else(of_choice).unwrap_or_default())
}

impl SchemaView {
    fn new(name: &str, schema: &Value) -> Self {
        let list = |key: &str| schema[key].as_array().into_iter().flatten();
        let includes = list("allOf").filter_map(reference).map(str::to_owned).collect();
        let added = list("allOf").flat_map(fields);
        let variants = list("oneOf").filter(|variant| variant["type"] != "null");
        Self {
            name: name.to_owned(),
            description: description::parts(schema["description"].as_str().unwrap_or_default()),
            includes,
            fields: fields(schema).into_iter().chain(added).collect(),
            variants: variants
                .map(|variant| SchemaVariant {
                    description: described(variant),
                    fields: fields(variant),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_named_in_words() {
        for (schema, text, name) in [
            (json!({"type": "string"}), "string", None),
            (json!({"type": ["integer", "null"], "format": "int32"}), "integer", None),
            (json!({"type": "string", "format": "uuid"}), "string, uuid", None),
            (json!({"enum": ["a", "b"]}), "\"a\" or \"b\"", None),
            (json!({"$ref": "#/components/schemas/Step"}), "", Some("Step")),
            (json!({"$ref": "#/components/schemas/List_Contact"}), "page of", Some("Contact")),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Step"}}),
                "list of",
                Some("Step"),
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Step"}]}),
                "",
                Some("Step"),
            ),
            (json!({}), "any", None),
        ] {
            let expected = FieldKind { text: text.to_owned(), schema: name.map(str::to_owned) };
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn every_schema_that_a_field_names_is_on_the_page() {
        let all = all(super::super::document());
        assert!(all.len() > 40, "found only {} schemas", all.len());
        let names: Vec<&str> = all.iter().map(|schema| schema.name.as_str()).collect();
        let variants = all.iter().flat_map(|schema| &schema.variants);
        let fields = all.iter().flat_map(|schema| &schema.fields);
        let named = fields
            .chain(variants.flat_map(|variant| &variant.fields))
            .filter_map(|field| field.kind.schema.as_deref());
        let included = all.iter().flat_map(|schema| schema.includes.iter().map(String::as_str));
        for name in named.chain(included) {
            assert!(names.contains(&name), "{name}");
        }
    }
}
