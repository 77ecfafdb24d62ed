//! Errors of slices, in terms that every edge (page, API, command line) can show to a person.

use std::collections::BTreeMap;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;

/// The result of a slice's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a slice could not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input that the user can correct, field by field.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The named kind of record (“contact”) does not exist, or no longer does.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The operation is not possible in the current state; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database did not answer, or rejected the statement.
    #[error("The database could not do that: {0}")]
    Database(#[from] DieselError),
    /// An error that only a developer or operator can fix. Users see “internal error”; the log has
    /// the details.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// An [`Error::Invalid`] with one field and its message.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::default().with(name, message))
    }

    /// Turns a violation of the unique constraint or index `name` into the error of a form field;
    /// other errors stay as they are.
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

/// Error messages by field, shown beside the field of a form and in the API's `fields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Adds a message to a field; several messages of one field keep their order.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.entry(field.to_owned()).or_default().push(message.into());
    }

    /// Adds several messages to a field.
    pub fn add_all(&mut self, field: &str, messages: &[String]) {
        for message in messages {
            self.add(field, message);
        }
    }

    /// Returns the same errors plus one more.
    #[must_use]
    pub fn with(mut self, field: &str, message: impl Into<String>) -> Self {
        self.add(field, message);
        self
    }

    /// Returns the parsed value, or records its error under the field and returns `None`.
    pub fn check<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parsed: std::result::Result<T, E>,
    ) -> Option<T> {
        parsed.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// Whether there are no errors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `Ok` if there are no errors, so that `errors.into_result()?` ends a check of several
    /// fields.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// The fields with their messages, sorted by field name.
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
                    problem.message.as_deref().unwrap_or("This value can’t be used here.");
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
