//! Refuses accounts and senders that are already connected, and names the connection that has them.

use super::error::{ConnectError, ConnectResult, Existing};
use crate::connections::{self, Connection, SenderAddress};
use crate::context::Context;
use crate::error::Error;
use crate::senders;
use crate::twilio::sid::AccountSid;
use crate::types::id::ConnectionId;

/// Refuses an account that another connection has, even with other keys.
pub(super) async fn refuse_account(context: &Context, sid: &AccountSid) -> ConnectResult<()> {
    let Some(connection) = connections::find_by_account(&mut *context.db.get().await?, sid).await?
    else {
        return Ok(());
    };
    let message = format!(
        "This Twilio account is already connected as “{}”. Add senders there, or replace its keys.",
        connection.name
    );
    Err(refusal(context, &connection, "account_sid", message))
}

/// Refuses a sender that this connection already has, or that is enabled in another one.
pub(super) async fn refuse_sender(
    context: &Context,
    connection: Option<ConnectionId>,
    address: &SenderAddress,
) -> ConnectResult<()> {
    let mut conn = context.db.get().await?;
    if let Some(id) = connection {
        connections::find(&mut conn, id).await?;
        if senders::find_by_address(&mut conn, id, address.as_str()).await?.is_some() {
            return Err(Error::field("sender", "This connection already has this sender.").into());
        }
    }
    let Some(sender) = senders::find_enabled_by_address(&mut conn, address.as_str()).await? else {
        return Ok(());
    };
    let other = connections::find(&mut conn, sender.connection_id).await?;
    let message = format!(
        "{} is already a sender of “{}”. If it moved to another account, disable it there first.",
        sender.label(),
        other.name
    );
    Err(refusal(context, &other, "sender", message))
}

fn refusal(
    context: &Context,
    connection: &Connection,
    field: &'static str,
    message: String,
) -> ConnectError {
    let url = context.config.public_url.join(&format!("/connections/{}", connection.id));
    let (id, name) = (connection.id, connection.name.clone());
    ConnectError::Existing(Box::new(Existing { id, name, field, message, url }))
}
