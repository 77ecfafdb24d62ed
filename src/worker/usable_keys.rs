//! The keys of a connection, for reads from Twilio.

use super::Worker;
use super::error::{PerformError, is_database_down};
use crate::connections::{self, Status};
use crate::error::Error;
use crate::twilio::Credentials;
use crate::types::id::ConnectionId;

impl Worker {
    /// The keys of a connection, unless Twilio has refused them or this process cannot read them.
    pub(super) async fn usable_keys(
        &self,
        id: ConnectionId,
    ) -> Result<Option<Credentials>, PerformError> {
        let mut conn = self.db.get().await?;
        match connections::find(&mut conn, id).await {
            Ok(connection) if connection.status() != Status::Stopped => {}
            Ok(_) | Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        match connections::credentials(&mut conn, id, &self.secret_key)
            .await
            .map_err(PerformError::from)
        {
            Ok(credentials) => Ok(Some(credentials)),
            Err(error) if is_database_down(&error) => Err(error),
            Err(error) => {
                tracing::warn!(
                    connection.id = %id,
                    %error,
                    "the saved keys cannot be used by this process"
                );
                Ok(None)
            }
        }
    }
}
