//! [`PerformError`]: why a job or a routine failed.

use crate::db::Unavailable;
use crate::error::Error;
use crate::twilio::TwilioError;

/// Why a job or a routine failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PerformError {
    #[error(transparent)]
    Slice(#[from] Error),
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Twilio(#[from] TwilioError),
    #[error("the worker panicked while it did this")]
    Panicked,
}

/// Whether the error means that the database is unavailable at the moment.
pub(super) fn is_database_down(error: &PerformError) -> bool {
    match error {
        PerformError::Unavailable(_) => true,
        PerformError::Database(error) | PerformError::Slice(Error::Database(error)) => {
            crate::db::is_away(error)
        }
        PerformError::Slice(_) | PerformError::Twilio(_) | PerformError::Panicked => false,
    }
}
