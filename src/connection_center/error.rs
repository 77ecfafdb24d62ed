//! Why an account, its keys or a sender could not be saved.

use serde::Serialize;

use crate::connections::Problem;
use crate::db::Unavailable;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// Why an account, its keys or a sender could not be saved.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// Twilio's answer.
    Problem(Problem),
    /// The account or the sender is connected already.
    Existing(Box<Existing>),
    /// A field, or a thing that does not exist.
    Slice(Error),
    /// No database.
    Away(Unavailable),
}

pub(super) type ConnectResult<T> = Result<T, ConnectError>;

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
        Self::Away(error)
    }
}

/// The connection that has what was entered.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Existing {
    /// Its id, for a link.
    pub(crate) id: ConnectionId,
    /// What people call it.
    pub(crate) name: String,
    /// The field that it was entered into.
    #[serde(skip)]
    pub(crate) field: &'static str,
    /// What is so, and what to do instead.
    #[serde(skip)]
    pub(crate) message: String,
    /// The address of its page.
    #[serde(skip)]
    pub(crate) url: String,
}

impl Existing {}
