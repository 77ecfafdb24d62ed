//! Reads JSON objects field by field, so that every error names the path of the field that it is
//! about.

use serde_json::{Map, Value};

use crate::error::FieldErrors;
use crate::types::mistake::Mistake;
use crate::types::text;

/// A JSON object that is being read, with where it stands and where its errors go.
pub(crate) struct ObjectReader<'v, 'e> {
    path: String,
    object: &'v Map<String, Value>,
    errors: &'e mut FieldErrors,
}

impl<'v, 'e> ObjectReader<'v, 'e> {
    /// Begins to read `value`, which stands at `path` (empty for the whole body); what is no object
    /// is an error that shows what was `expected`.
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

    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.errors.add(&self.path_of(field), message);
    }

    /// A field as it is; an absent one and `null` are the same.
    pub(crate) fn value(&self, field: &str) -> Option<&'v Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// Keeps what `parse` makes of a text field; absent, empty, or wrong (then noted) it is none.
    pub(crate) fn text<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.value(field)? {
            Value::String(text) if !text::is_storable(text) => {
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

    /// The same for a field that must be there and not be blank.
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

    /// The word that says what kind of thing the object is; one of `known`, or noted.
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

    /// Refuses every field but the known ones, so that a misspelt one is not lost in silence.
    pub(crate) fn only(&mut self, known: &[&str]) {
        let unknown: Vec<&String> =
            self.object.keys().filter(|name| !known.contains(&name.as_str())).collect();
        for name in unknown {
            let known = known.iter().map(ToString::to_string).collect();
            self.wrong(name, Mistake::UnknownField(known));
        }
    }

    /// Where errors go, for what is read inside this object by others.
    pub(crate) fn errors(&mut self) -> &mut FieldErrors {
        self.errors
    }
}
