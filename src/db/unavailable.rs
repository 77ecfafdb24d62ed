//! The database does not answer: told apart from refused statements, because trying again later
//! helps.

use std::fmt::Display;

use diesel::result::{DatabaseErrorKind, Error};

/// The database cannot be reached, or has no connection to spare; pages and hooks answer 503, jobs
/// try again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database {target} cannot be used: {reason}")]
pub struct Unavailable {
    target: String,
    reason: String,
}

impl Unavailable {
    pub(super) fn new(target: &impl Display, reason: impl Into<String>) -> Self {
        Self { target: target.to_string(), reason: reason.into() }
    }

    /// Why, without addresses: for the log or a status page.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Whether a statement failed because the database went away or shuts down, and not because of the
/// statement.
pub fn is_away(error: &Error) -> bool {
    match error {
        Error::BrokenTransactionManager
        | Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        ) => true,
        Error::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_away(rollback_error) || is_away(commit_error)
        }
        // The driver gives these no kind of their own, and its texts are those of PostgreSQL in
        // English (`lc_messages` of clusters made by others may differ: then the connection is
        // closed right after, and the next statement is told apart above).
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            [
                "terminating connection",
                "the database system is",
                "too many clients",
                "remaining connection slots",
            ]
            .iter()
            .any(|start| message.contains(start))
        }
        _ => false,
    }
}
