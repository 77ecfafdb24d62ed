//! Why an account, its keys or a sender could not be saved.

use serde::Serialize;

use crate::connections::Problem;
use crate::db::Unavailable;
use crate::error::{Error, FieldErrors};
use crate::types::id::ConnectionId;

/// Why an account, its keys or a sender could not be saved.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// A problem that Twilio's response reveals.
    Problem(Problem),
    /// The account or the sender is connected already.
    Existing(Box<Existing>),
    /// An error of a slice: an invalid field, or a row that does not exist.
    Slice(Error),
    /// The database is unavailable.
    Unavailable(Unavailable),
}

pub(super) type ConnectResult<T> = Result<T, ConnectError>;

impl ConnectError {
    /// The connection that already has the entered account or sender, if that is the error.
    pub(crate) fn existing(&self) -> Option<Existing> {
        match self {
            Self::Existing(existing) => Some((**existing).clone()),
            _ => None,
        }
    }

    /// Converts the error to field errors of a form; the field `form` stands for the form as a
    /// whole. Errors that concern no field are returned unchanged.
    pub(crate) fn fields(self) -> ConnectResult<FieldErrors> {
        match self {
            Self::Problem(problem) => {
                Ok(FieldErrors::default()
                    .with(problem.field().unwrap_or("form"), problem.message()))
            }
            Self::Existing(existing) => {
                Ok(FieldErrors::default().with(existing.field, existing.message))
            }
            Self::Slice(Error::Invalid(fields)) => Ok(fields),
            Self::Slice(Error::Refused(reason)) => Ok(FieldErrors::default().with("form", reason)),
            other => Err(other),
        }
    }
}

impl From<Problem> for ConnectError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self::Slice(error)
    }
}

impl From<Unavailable> for ConnectError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// The connection that already has the entered account or sender.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Existing {
    /// Its id, for a link.
    pub(crate) id: ConnectionId,
    /// Its display name.
    pub(crate) name: String,
    /// The form field that the account or sender was entered into.
    pub(crate) field: &'static str,
    /// Explanation and advice.
    #[serde(skip)]
    pub(crate) message: String,
    /// The address of its page.
    #[serde(skip)]
    pub(crate) url: String,
}
