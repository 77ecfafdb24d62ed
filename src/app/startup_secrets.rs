//! Start-up steps that need the secret key: checking that it is the right one, and creating missing
//! webhook secrets, which it seals.

use super::error::AppError;
use crate::context::Context;
use crate::error::Error;
use crate::{connections, senders};

/// Checks that the saved keys can be read: with another secret key, no message could be sent.
pub async fn check_secret_key(context: &Context) -> Result<(), AppError> {
    let mut conn = context.db.get().await?;
    let checked = connections::check_secret_key(&mut conn, &context.secret_key).await;
    checked.map_err(|error| match error {
        Error::Refused(_) => AppError::OtherSecretKey,
        other => other.into(),
    })
}

/// Creates missing secrets of webhook addresses, for which the migrations lack the secret key.
/// Marks the senders whose webhook must be set again because of that.
pub async fn fill_hook_secrets(context: &Context) -> Result<(), AppError> {
    let mut conn = context.db.get().await?;
    let unsigned = connections::fill_hook_secrets(&mut conn, &context.secret_key).await?;
    if !unsigned.is_empty() {
        tracing::warn!(
            connections = unsigned.len(),
            "connections without an Auth Token have a new webhook address: repair their webhooks"
        );
        senders::mark_missing_secret(&mut conn, &unsigned).await?;
    }
    Ok(())
}
