//! An option of a select box.

use serde::Serialize;

/// An option of a select box, for the template component `form.select`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The value that the form submits.
    pub value: String,
    /// The visible label.
    pub label: String,
}

impl Choice {
    /// Creates an option from its value and its label.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}
