//! The operations of the OpenAPI document, as the page shows them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::description::{self, DescriptionPart};
use super::example_bodies::example_body;
use super::schemas::{self, FieldKind, FieldView};
use crate::web::http::template_filters::sentence_case;
use crate::web::ui::curl::{self, KEY_PLACEHOLDER};

/// The operations on one noun.
#[derive(Debug, Serialize)]
pub(super) struct OperationGroup {
    /// The first segment of their paths.
    noun: String,
    title: String,
    operations: Vec<OperationView>,
}

/// One operation.
#[derive(Debug, Serialize)]
struct OperationView {
    id: String,
    /// The method in capitals.
    method: String,
    path: String,
    summary: Vec<DescriptionPart>,
    description: Vec<DescriptionPart>,
    parameters: Vec<FieldView>,
    body: Option<FieldKind>,
    /// What is particular about the body.
    body_description: Vec<DescriptionPart>,
    answers: Vec<AnswerView>,
    /// The statuses of its errors, which [`ErrorView`] explains.
    errors: String,
    curl: String,
}

/// An answer to a successful request.
#[derive(Debug, Serialize)]
struct AnswerView {
    status: String,
    description: Vec<DescriptionPart>,
    body: Option<FieldKind>,
}

/// A status of errors.
#[derive(Debug, Serialize)]
pub(super) struct ErrorView {
    status: String,
    description: Vec<DescriptionPart>,
}

/// The nouns, the most used ones first; others follow.
const NOUNS: [&str; 10] = [
    "events",
    "contacts",
    "messages",
    "templates",
    "automations",
    "ledger",
    "sources",
    "opt-out-words",
    "senders",
    "connections",
];

/// The description of answers that have no other.
const DONE: &str = "Done";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// All operations of the document, by noun; `base_url` is the address of the API.
pub(super) fn groups(document: &Value, base_url: &str) -> Vec<OperationGroup> {
    let mut nouns: Vec<&str> = NOUNS.to_vec();
    for (path, _) in paths(document) {
        if !nouns.contains(&noun(path)) {
            nouns.push(noun(path));
        }
    }
    let group = |wanted: &str| OperationGroup {
        noun: wanted.to_owned(),
        title: title(wanted),
        operations: operations(document)
            .filter(|(_, path, _)| noun(path) == wanted)
            .map(|(method, path, operation)| OperationView::new(method, path, operation, base_url))
            .collect(),
    };
    nouns.into_iter().map(group).filter(|group| !group.operations.is_empty()).collect()
}

/// The statuses of errors, each with its most frequent description.
pub(super) fn errors(document: &Value) -> Vec<ErrorView> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (_, _, operation) in operations(document) {
        for (status, answer) in answers(operation).filter(|(status, _)| is_error(status)) {
            let description = answer["description"].as_str().unwrap_or_default();
            *counts.entry(status).or_default().entry(description).or_default() += 1;
        }
    }
    let most_frequent = |(status, descriptions): (&str, BTreeMap<&str, usize>)| {
        let (description, _) = descriptions.into_iter().max_by_key(|(_, count)| *count)?;
        let description = description::parts(description);
        Some(ErrorView { status: status.to_owned(), description })
    };
    counts.into_iter().filter_map(most_frequent).collect()
}

fn paths(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let paths = document["paths"].as_object();
    paths.into_iter().flatten().map(|(path, item)| (path.as_str(), item))
}

/// All operations: method, path, and description.
fn operations(document: &Value) -> impl Iterator<Item = (&'static str, &str, &Value)> {
    paths(document).flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((method, path, item.get(method)?)))
    })
}

fn answers(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let answers = operation["responses"].as_object();
    answers.into_iter().flatten().map(|(status, answer)| (status.as_str(), answer))
}

fn is_error(status: &str) -> bool {
    !status.starts_with('2')
}

fn noun(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// A noun as a title: `Opt-out words`.
fn title(noun: &str) -> String {
    match noun {
        "openapi.json" => "OpenAPI".to_owned(),
        "opt-out-words" => "Opt-out words".to_owned(),
        _ => sentence_case(noun),
    }
}

/// The type of a body in JSON.
fn body(content: &Value) -> Option<FieldKind> {
    content["content"].as_object()?.values().next().map(|body| schemas::kind(&body["schema"]))
}

/// The path with values in place of its variables.
fn filled(path: &str) -> String {
    path.replace("{id}", "ID")
        .replace("{number}", "1")
        .replace("{name}", "VIP")
        .replace("{phone}", "%2B14155550100")
}

impl AnswerView {
    fn new(status: &str, answer: &Value) -> Self {
        let body = body(answer);
        let description = answer["description"].as_str().unwrap_or_default();
        // The type of the body says more.
        let description = if description == DONE && body.is_some() { "" } else { description };
        Self { status: status.to_owned(), description: description::parts(description), body }
    }
}

impl OperationView {
    fn new(method: &str, path: &str, operation: &Value, base_url: &str) -> Self {
        let text = |value: &Value| description::parts(value.as_str().unwrap_or_default());
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameter = |parameter: &Value| FieldView {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            kind: schemas::kind(&parameter["schema"]),
            place: parameter["in"].as_str().unwrap_or_default().to_owned(),
            is_required: parameter["required"] == true,
            description: text(&parameter["description"]),
        };
        let errors: Vec<&str> = answers(operation)
            .map(|(status, _)| status)
            .filter(|status| is_error(status))
            .collect();
        let url = format!("{base_url}{}", filled(path));
        let upper = method.to_uppercase();
        Self {
            id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
            curl: curl::command(&upper, &url, KEY_PLACEHOLDER, example_body(method, path).as_ref()),
            method: upper,
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            description: text(&operation["description"]),
            parameters: parameters.map(parameter).collect(),
            body: body(&operation["requestBody"]),
            body_description: text(&operation["requestBody"]["description"]),
            answers: answers(operation)
                .filter(|(status, _)| !is_error(status))
                .map(|(status, answer)| AnswerView::new(status, answer))
                .collect(),
            errors: errors.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    #[test]
    fn every_operation_is_on_the_page_once() {
        let groups = groups(document(), "https://sms.example.com/api/v1");
        let shown: Vec<String> = groups
            .iter()
            .flat_map(|group| &group.operations)
            .map(|operation| format!("{} {}", operation.method.to_lowercase(), operation.path))
            .collect();
        let mut expected: Vec<String> =
            operations(document()).map(|(method, path, _)| format!("{method} {path}")).collect();
        assert_eq!(shown.len(), expected.len());
        expected.retain(|operation| !shown.contains(operation));
        assert_eq!(expected, [""; 0]);
        assert_eq!(groups[0].title, "Events");
    }

    #[test]
    fn every_body_has_an_example_with_known_fields_and_all_required_ones() {
        for (method, path, operation) in operations(document()) {
            let example = example_body(method, path);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(reference) = schema["$ref"].as_str() else {
                assert_eq!(example, None, "{method} {path}");
                continue;
            };
            let schema = document().pointer(reference.trim_start_matches('#')).unwrap();
            let example = example.unwrap_or_else(|| panic!("{method} {path} has no example"));
            for field in example.as_object().unwrap().keys() {
                assert!(schema["properties"][field].is_object(), "{method} {path}: {field}");
            }
            for field in schema["required"].as_array().into_iter().flatten() {
                let field = field.as_str().unwrap();
                assert!(!example[field].is_null(), "{method} {path} lacks {field}");
            }
        }
    }

    #[test]
    fn every_error_is_explained_once() {
        let errors = errors(document());
        let statuses: Vec<&str> = errors.iter().map(|error| error.status.as_str()).collect();
        assert_eq!(
            statuses,
            ["400", "401", "403", "404", "409", "413", "415", "422", "500", "503"]
        );
        assert!(errors.iter().all(|error| !error.description.is_empty()));
    }
}
