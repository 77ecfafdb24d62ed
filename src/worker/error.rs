//! [`PerformError`]: why a job or a routine failed, and what that failure concerns.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::db::Unavailable;
use crate::error::Error;
use crate::queue::routines;
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
            crate::db::is_unavailable(error)
        }
        PerformError::Slice(_) | PerformError::Twilio(_) | PerformError::Panicked => false,
    }
}

/// Whether an error concerns only the item at hand. An unavailable database concerns all, and so
/// does a routine that another worker took over.
pub(super) fn concerns_one_item(error: &PerformError) -> bool {
    !is_database_down(error)
        && !matches!(error, PerformError::Slice(error) if routines::is_taken_over(error))
}

/// Runs the work on one item, and turns a panic into [`PerformError::Panicked`].
pub(super) async fn catch_panic<T>(
    work: impl Future<Output = Result<T, PerformError>>,
) -> Result<T, PerformError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(PerformError::Panicked))
}
