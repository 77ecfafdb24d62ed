//! What can go wrong in a slice, in terms that every edge (page, API, command line) can show to a
//! person.

use std::collections::BTreeMap;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;

/// The result of a slice's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a slice could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input that a person can correct, field by field.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The noun (“contact”) that does not exist, or not any more.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// Not possible in the present state; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database did not answer or did not accept the statement.
    #[error("The database could not do that: {0}")]
    Database(#[from] DieselError),
    /// Something that only a programmer or an operator can mend; shown to people as “internal
    /// error”, logged in full.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A single field with what is wrong with it.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::default().with(name, message))
    }

    /// Reads a violated unique constraint or index `name` as the error of a form field; everything
    /// else stays as it is.
    #[must_use]
    pub fn on_constraint(self, name: &str, field: &str, message: &str) -> Self {
        match &self {
            Self::Database(DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                information,
            )) if information.constraint_name() == Some(name) => Self::field(field, message),
            _ => self,
        }
    }
}

/// What is wrong with which field, for the form beside which it is shown and for the API's
/// `fields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Adds what is wrong with a field; several sentences for one field are kept in order.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.entry(field.to_owned()).or_default().push(message.into());
    }

    /// The same errors and one more.
    #[must_use]
    pub fn with(mut self, field: &str, message: impl Into<String>) -> Self {
        self.add(field, message);
        self
    }

    /// Keeps a parsed value, or notes its error under the field and gives none.
    pub fn check<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parsed: std::result::Result<T, E>,
    ) -> Option<T> {
        parsed.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when nothing is wrong, so that `errors.into_result()?` ends a check of several fields.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// The fields with their sentences, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        for (field, messages) in self.iter() {
            write!(f, "{separator}{field}: {}", messages.join(" "))?;
            separator = "; ";
        }
        Ok(())
    }
}

impl From<validator::ValidationErrors> for FieldErrors {
    fn from(errors: validator::ValidationErrors) -> Self {
        let mut fields = Self::default();
        for (field, problems) in errors.field_errors() {
            for problem in problems {
                let message =
                    problem.message.as_deref().unwrap_or("This value cannot be used here.");
                fields.add(&field, message);
            }
        }
        fields
    }
}

impl From<validator::ValidationErrors> for Error {
    fn from(errors: validator::ValidationErrors) -> Self {
        Self::Invalid(errors.into())
    }
}
