//! Errors of a database that does not answer, as distinct from refused statements: a later retry
//! helps.

use std::fmt::Display;

use diesel::result::{DatabaseErrorKind, Error};

/// The database cannot be reached, or has no free connection; pages and hooks answer 503, jobs
/// retry.
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

    /// The reason without addresses, for the log or a status page.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Whether a statement failed because the database is gone or shutting down, and not because of the
/// statement itself.
pub fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::BrokenTransactionManager
        | Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        ) => true,
        Error::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_unavailable(rollback_error) || is_unavailable(commit_error)
        }
        // The driver reports these as `Unknown`, with PostgreSQL's English text. If the cluster's
        // `lc_messages` differs, the connection is closed right after, and the next statement
        // matches above.
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
