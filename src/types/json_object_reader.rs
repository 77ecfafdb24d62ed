//! Parses JSON objects field by field, so that every error names the path of its field.

use serde_json::{Map, Value};

use super::mistake::Mistake;
use super::storable_text;
use crate::error::FieldErrors;

/// A JSON object being parsed, with its path and the collected errors.
pub(crate) struct ObjectReader<'v, 'e> {
    path: String,
    object: &'v Map<String, Value>,
    errors: &'e mut FieldErrors,
}

impl<'v, 'e> ObjectReader<'v, 'e> {
    /// Starts parsing `value` at `path` (empty for the whole body); if it is not an object, the
    /// error shows the `expected` form.
    pub(crate) fn open(
        path: &str,
        value: &'v Value,
        expected: &str,
        errors: &'e mut FieldErrors,
    ) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self { path: path.to_owned(), object, errors }),
            _ => {
                let path = if path.is_empty() { "body" } else { path };
                errors.add(
                    path,
                    Mistake::WrongType("an object")
                        .with_hint(&format!("Write it like {expected}.")),
                );
                None
            }
        }
    }

    /// The path of a field of this object.
    pub(crate) fn path_of(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Adds an error for a field.
    pub(crate) fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.errors.add(&self.path_of(field), message);
    }

    /// The value of a field; `None` if absent or `null`.
    pub(crate) fn value(&self, field: &str) -> Option<&'v Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// The parsed value of a text field; `None` if absent, blank or invalid. An invalid one adds an
    /// error.
    pub(crate) fn text<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.value(field)? {
            Value::String(text) if !storable_text::is_storable(text) => {
                self.wrong(field, Mistake::Unstorable);
                None
            }
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => {
                let parsed = parse(text);
                self.errors.check(&self.path_of(field), parsed)
            }
            _ => {
                self.wrong(field, Mistake::WrongType("text"));
                None
            }
        }
    }

    /// The parsed value of a required text field; an absent or blank one adds an error.
    pub(crate) fn required_text<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mistake = match self.value(field) {
            None => Mistake::Missing,
            Some(Value::String(text)) if text.trim().is_empty() => Mistake::Blank,
            Some(_) => return self.text(field, parse),
        };
        self.wrong(field, mistake);
        None
    }

    /// The discriminator of the object; a word not in `known` adds an error.
    pub(crate) fn kind(&mut self, field: &str, known: &[&'static str]) -> Option<&'v str> {
        let mistake = match self.value(field) {
            Some(Value::String(word)) if known.contains(&word.as_str()) => return Some(word),
            Some(Value::String(word)) if word.trim().is_empty() => Mistake::Blank,
            Some(Value::String(word)) => Mistake::NotOneOf(word.clone(), known.to_vec()),
            Some(_) => Mistake::WrongType("text"),
            None => Mistake::Missing,
        };
        let sentence = match mistake {
            Mistake::Missing | Mistake::Blank => {
                mistake.with_hint(&format!("Use one of: {}.", known.join(", ")))
            }
            _ => mistake.to_string(),
        };
        self.wrong(field, sentence);
        None
    }

    /// Adds an error for each field not in `known`, so that typos do not go unnoticed.
    pub(crate) fn only(&mut self, known: &[&str]) {
        let unknown: Vec<&String> =
            self.object.keys().filter(|name| !known.contains(&name.as_str())).collect();
        for name in unknown {
            let known = known.iter().map(ToString::to_string).collect();
            self.wrong(name, Mistake::UnknownField(known));
        }
    }

    /// The collected errors, for parsers of nested values.
    pub(crate) fn errors(&mut self) -> &mut FieldErrors {
        self.errors
    }
}
