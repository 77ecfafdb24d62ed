//! Why an account, its keys or a sender could not be saved.

use serde::Serialize;

use crate::connections::Problem;
use crate::db::Unavailable;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// Why an account, its keys or a sender could not be saved.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// A problem that Twilio's answer reveals.
    Problem(Problem),
    /// The account or the sender is connected already.
    Existing(Box<Existing>),
    /// An error of a slice: an invalid field, or a row that does not exist.
    Slice(Error),
    /// The database is unavailable.
    Unavailable(Unavailable),
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
    #[serde(skip)]
    pub(crate) field: &'static str,
    /// Explanation and advice.
    #[serde(skip)]
    pub(crate) message: String,
    /// The address of its page.
    #[serde(skip)]
    pub(crate) url: String,
}
