//! Repeating a write until the database accepts it.

use std::time::Duration;

use super::error::{PerformError, is_database_down};

/// Repeats a write until the database accepts it, because what it records exists nowhere else. None
/// if it fails for another reason.
pub(super) async fn until_written<F, T>(mut write: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, PerformError>>,
{
    for round in 0_u32.. {
        match write().await {
            Ok(written) => return Some(written),
            // A conflict of two transactions may not recur; any other error fails the same way for
            // ever.
            Err(error) if !is_database_down(&error) && round >= 3 => {
                tracing::error!(%error, "the outcome of jobs could not be written");
                return None;
            }
            Err(error) if round == 0 => {
                tracing::warn!(%error, "the outcome of jobs could not be written; trying again");
            }
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}
