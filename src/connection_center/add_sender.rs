//! Adds senders to a connection, and lists those that its account offers.

use diesel_async::AsyncConnection;

use super::credentials::credentials;
use super::duplicates;
use super::error::ConnectResult;
use super::inbound_webhook::{Occasion, inbound_url, set_inbound_webhook};
use crate::connections::{self, SenderAddress};
use crate::context::Context;
use crate::error::Error;
use crate::senders::offers::{self, Offers};
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

/// The senders that the account offers, except those that the connection already has.
pub(crate) async fn offers(context: &Context, id: ConnectionId) -> ConnectResult<Offers> {
    let credentials = credentials(context, id).await?;
    let inbound_url = inbound_url(context, id).await?;
    let mut offers = offers::offers(&context.twilio, &credentials, &inbound_url).await?;
    let known = senders::list_for_connection(&mut *context.db.get().await?, id).await?;
    offers.offers.retain(|offer| known.iter().all(|sender| sender.address != offer.address));
    Ok(offers)
}
