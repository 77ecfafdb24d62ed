//! Adds senders to a connection, and lists the candidates of its account.

use diesel_async::AsyncConnection;

use super::credentials::credentials;
use super::duplicates;
use super::error::ConnectResult;
use super::inbound_webhook::{Occasion, inbound_url, set_inbound_webhook};
use crate::connections::{self, SenderAddress};
use crate::context::Context;
use crate::error::Error;
use crate::senders::candidates::{self, SenderCandidates};
use crate::senders::{self, Sender};
use crate::types::id::ConnectionId;
use crate::users::audit::Actor;

/// Verifies another sender of a connection at Twilio, saves it, and sets its inbound webhook.
pub(crate) async fn add_sender(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    sender: &str,
) -> ConnectResult<Sender> {
    let address =
        SenderAddress::parse(sender).map_err(|error| Error::field("sender", error.to_string()))?;
    duplicates::refuse_sender(context, Some(id), &address).await?;
    let credentials = credentials(context, id).await?;
    let found = connections::find_sender(&context.twilio, &credentials, &address).await?;
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            senders::create(conn, actor, id, &found, now).await
        })
        .await?;
    drop(conn);
    tracing::info!(connection.id = %id, sender.id = %sender.id, "a sender was added");
    set_inbound_webhook(context, &credentials, sender, Occasion::Addition).await
}

/// The candidates of the account, except those that the connection already has.
pub(crate) async fn candidates(
    context: &Context,
    id: ConnectionId,
) -> ConnectResult<SenderCandidates> {
    let credentials = credentials(context, id).await?;
    let inbound_url = inbound_url(context, id).await?;
    let mut candidates =
        candidates::candidates(&context.twilio, &credentials, &inbound_url).await?;
    let known = senders::list_for_connection(&mut *context.db.get().await?, id).await?;
    candidates
        .candidates
        .retain(|candidate| known.iter().all(|sender| sender.address != candidate.address));
    Ok(candidates)
}
