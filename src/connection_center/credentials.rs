//! The credentials of a connection.

use super::error::ConnectResult;
use crate::connections;
use crate::context::Context;
use crate::twilio::Credentials;
use crate::types::id::ConnectionId;

/// The credentials for a connection's requests.
pub(super) async fn credentials(context: &Context, id: ConnectionId) -> ConnectResult<Credentials> {
    Ok(connections::credentials(&mut *context.db.get().await?, id, &context.secret_key).await?)
}
