//! The credentials and webhook URLs that messages of a connection are sent with.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::hook_secret;
use super::keys::{Keys, SealedKeys};
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::twilio::Credentials;
use crate::types::hook_address::HookAddress;
use crate::types::id::ConnectionId;
use crate::types::sealed::{Sealed, SecretKey};

/// The credentials and webhook URLs of a connection.
#[derive(Debug, Clone)]
pub struct SendingKeys {
    /// Credentials for the requests.
    pub credentials: Credentials,
    /// Where Twilio sends status callbacks.
    pub hook: HookAddress,
}

/// Reads the credentials and webhook URLs of a connection in one query.
pub async fn sending_keys(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
) -> Result<SendingKeys> {
    let columns = (connections::account_sid, SealedKeys::as_select(), connections::hook_secret);
    let found: Option<(String, SealedKeys, Option<Sealed>)> =
        connections::table.find(id).select(columns).first(conn).await.optional()?;
    let (account_sid, sealed, secret) = found.ok_or(Error::NotFound("connection"))?;
    let keys = Keys::unseal(&account_sid, &sealed, key, id)?;
    let hook = if keys.has_auth_token() {
        HookAddress::signed(id)
    } else {
        hook_secret::secret_address(conn, id, key, secret).await?
    };
    Ok(SendingKeys { credentials: keys.credentials(), hook })
}
