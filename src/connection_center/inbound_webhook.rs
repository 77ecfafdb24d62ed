//! The inbound webhooks of senders: their URL, and setting them at Twilio.

use diesel_async::AsyncConnection;

use super::credentials::credentials;
use super::error::ConnectResult;
use crate::connections;
use crate::context::Context;
use crate::error::Error;
use crate::senders::{self, Sender, inbound_route};
use crate::twilio::Credentials;
use crate::types::id::{ConnectionId, SenderId};
use crate::users::audit::Actor;

/// The URL of a connection's inbound webhook.
pub(super) async fn inbound_url(context: &Context, id: ConnectionId) -> ConnectResult<String> {
    let address =
        connections::hook_address(&mut *context.db.get().await?, id, &context.secret_key).await?;
    Ok(address.inbound(&context.config.public_url))
}

/// Sets the sender's inbound webhook again.
pub(crate) async fn set_inbound(
    context: &Context,
    actor: &Actor,
    id: SenderId,
) -> ConnectResult<Sender> {
    let sender = senders::find(&mut *context.db.get().await?, id).await?;
    let credentials = credentials(context, sender.connection_id).await?;
    set_inbound_webhook(context, &credentials, sender, Occasion::Repair(actor)).await
}

/// Sets the inbound webhooks of all senders of a connection to its current URL.
pub(super) async fn set_all_inbound_webhooks(
    context: &Context,
    credentials: &Credentials,
    id: ConnectionId,
) -> ConnectResult<()> {
    let senders = senders::list_for_connection(&mut *context.db.get().await?, id).await?;
    for sender in senders {
        set_inbound_webhook(context, credentials, sender, Occasion::NewAddress).await?;
    }
    Ok(())
}

/// Why a webhook is set.
#[derive(Clone, Copy)]
pub(super) enum Occasion<'a> {
    /// The sender is new, which is already in the audit log.
    Addition,
    /// The URL has changed, which is already in the audit log.
    NewAddress,
    /// A user repairs it.
    Repair(&'a Actor),
}

/// Sets the sender's inbound webhook at Twilio, and records the result at the sender.
pub(super) async fn set_inbound_webhook(
    context: &Context,
    credentials: &Credentials,
    sender: Sender,
    occasion: Occasion<'_>,
) -> ConnectResult<Sender> {
    let url = inbound_url(context, sender.connection_id).await?;
    let set = inbound_route::set(
        &context.twilio,
        credentials,
        &sender.address,
        &url,
        &context.config.public_url,
    )
    .await;
    let outcome = set.map(drop).map_err(|error| error.message(&url));
    if let Err(reason) = &outcome {
        tracing::warn!(
            sender.id = %sender.id,
            reason = %reason,
            "the inbound webhook could not be set"
        );
    }
    // The webhook that Twilio now has counts, as in every check. The reason why it could not be set
    // is recorded only if messages are not reported here.
    let id = sender.id;
    let inspected = senders::inspect_sender(
        &context.twilio,
        credentials,
        sender,
        url.clone(),
        &context.config.public_url,
        context.clock.now(),
    )
    .await;
    let mut conn = context.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            senders::record_sender(conn, &inspected).await?;
            let sender = match (&outcome, inspected.reports_here()) {
                (_, Some(true)) | (Ok(()), Some(false)) => senders::find(conn, id).await?,
                (Err(reason), _) => senders::record_inbound(conn, id, Err(reason)).await?,
                (Ok(()), None) => senders::record_inbound(conn, id, Ok(&url)).await?,
            };
            if let (Occasion::Repair(actor), Ok(())) = (occasion, &outcome) {
                senders::audit_repair(conn, actor, &sender, context.clock.now()).await?;
            }
            Ok(sender)
        })
        .await?;
    Ok(sender)
}
