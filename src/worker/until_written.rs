//! Repeating a write until the database takes it.

use std::time::Duration;

use super::error::{PerformError, is_away};

/// Repeats a write until the database takes it: what it would record exists nowhere else.
pub(super) async fn until_written<F, T>(mut write: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, PerformError>>,
{
    for round in 0_u32.. {
        match write().await {
            Ok(written) => return Some(written),
            // Two transactions that got into each other's way may do better the next time; anything
            // else fails the same way for ever.
            Err(error) if !is_away(&error) && round >= 3 => {
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
