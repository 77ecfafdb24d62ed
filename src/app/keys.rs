//! The secret key at the start: whether it is the right one, and what only it can make.

use super::error::AppError;
use crate::context::Context;
use crate::error::Error;
use crate::{connections, senders};

/// Makes sure that the saved keys can be read: with another secret key, every message would have to
/// wait.
pub async fn check_secret_key(context: &Context) -> Result<(), AppError> {
    let mut conn = context.db.get().await?;
    let checked = connections::check_secret_key(&mut conn, &context.secret_key).await;
    checked.map_err(|error| match error {
        Error::Refused(_) => AppError::OtherSecretKey,
        other => other.into(),
    })
}

/// Makes the secrets of webhook addresses that are missing, which needs the key that the migrations
/// do not have, and notes the senders whose address at Twilio has to be set anew for it.
pub async fn fill_hook_secrets(context: &Context) -> Result<(), AppError> {
    let mut conn = context.db.get().await?;
    let unsigned = connections::fill_hook_secrets(&mut conn, &context.secret_key).await?;
    if !unsigned.is_empty() {
        tracing::warn!(
            connections = unsigned.len(),
            "connections without an Auth Token have a new webhook address: repair their webhooks"
        );
        senders::note_without_secret(&mut conn, &unsigned).await?;
    }
    Ok(())
}
