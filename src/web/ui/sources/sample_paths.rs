//! The paths in a captured request, as the editor of a mapping suggests them.

use serde::Serialize;
use serde_json::Value;

/// The largest number of paths.
const MAX_PATHS: usize = 200;
/// How far paths lead into nested values.
const MAX_DEPTH: usize = 8;
/// The longest value that is shown beside its path, in characters.
const MAX_VALUE: usize = 60;

/// A path with the value that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SamplePath {
    pub(super) path: String,
    pub(super) value: String,
}

/// The paths to all single values of a body, in its order; of a list, those of its first element.
/// Headers follow.
pub(super) fn paths_of(body: &Value, headers: &Value) -> Vec<SamplePath> {
    let mut found = Vec::new();
    collect("$", body, MAX_DEPTH, &mut found);
    for (name, value) in headers.as_object().into_iter().flatten() {
        add(format!("header:{name}"), value, &mut found);
    }
    found
}

fn collect(path: &str, value: &Value, depth: usize, found: &mut Vec<SamplePath>) {
    match value {
        Value::Object(_) | Value::Array(_) if depth == 0 => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(&format!("{path}{}", selector(name)), value, depth - 1, found);
            }
        }
        Value::Array(elements) => {
            if let Some(first) = elements.first() {
                collect(&format!("{path}[0]"), first, depth - 1, found);
            }
        }
        Value::Null => {}
        single => add(path.to_owned(), single, found),
    }
}

fn add(path: String, value: &Value, found: &mut Vec<SamplePath>) {
    if found.len() < MAX_PATHS {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut shown: String = text.chars().take(MAX_VALUE).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        found.push(SamplePath { path, value: shown });
    }
}

/// The part of a JSONPath (RFC 9535) that selects a field.
fn selector(name: &str) -> String {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let is_simple =
        name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
    if is_simple {
        format!(".{name}")
    } else {
        format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(body: &Value, headers: &Value) -> Vec<(String, String)> {
        paths_of(body, headers).into_iter().map(|one| (one.path, one.value)).collect()
    }

    #[test]
    fn each_single_value_has_its_path() {
        let body = json!({
            "id": 7,
            "customer": { "phone": "+1", "e-mail": "a@b.c", "it's": true, "none": null },
            "items": [{ "sku": "A" }, { "sku": "B" }],
        });
        let pair = |path: &str, value: &str| (path.to_owned(), value.to_owned());
        let mut found = paths(&body, &json!({ "x-topic": "orders/create" }));
        found.sort();
        assert_eq!(
            found,
            [
                pair("$.customer.phone", "+1"),
                pair("$.customer['e-mail']", "a@b.c"),
                pair("$.customer['it\\'s']", "true"),
                pair("$.id", "7"),
                pair("$.items[0].sku", "A"),
                pair("header:x-topic", "orders/create"),
            ]
        );
    }

    #[test]
    fn paths_and_their_values_are_bounded() {
        let wide: Vec<(String, Value)> =
            (0..1_000).map(|at| (format!("f{at}"), json!("x".repeat(100)))).collect();
        let found = paths(&Value::Object(wide.into_iter().collect()), &json!({}));
        assert_eq!((found.len(), found[0].1.chars().count()), (MAX_PATHS, MAX_VALUE + 1));
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(paths(&deep, &json!({})).is_empty());
    }
}
