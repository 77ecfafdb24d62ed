//! The use cases of the Connection Center, shared by pages and API: connect, verify and repair.
//! Each calls Twilio first, then saves in one transaction, then sets the webhooks. Start with
//! [`connect`]; errors are [`ConnectError`]s.

mod changing;
mod checking;
mod error;
mod existing;
mod testing;

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::connections::{
    self, Connection, FormerToken, Keys, NewConnection, NewKeys, SenderAddress, VerifiedAccount,
};
use crate::context::Context;
use crate::db::{self, Closing, Tx};
use crate::error::{Error, FieldErrors};
use crate::messages::claim::{self, WakeScope};
use crate::senders::offers::{self, Offers};
use crate::senders::{self, Sender, inbound};
use crate::twilio::Credentials;
use crate::types::id::{ConnectionId, SenderId};
use crate::users::audit::Actor;
use error::ConnectResult;

pub(crate) use changing::{change_connection, change_sender};
pub(crate) use checking::check;
pub(crate) use error::{ConnectError, Existing};
pub(crate) use testing::{CHALLENGE, proof, refusal, test_webhook};

/// Input for connecting an account, from the page or the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectForm {
    /// Display name; if empty, the account's name is used.
    pub(crate) name: String,
    /// The keys, as they were entered.
    pub(crate) keys: NewKeys,
    /// A number or the SID of a Messaging Service; if empty, the user chooses the sender later.
    pub(crate) sender: String,
}

/// Verifies account and sender at Twilio, saves both, and sets the sender's inbound webhook. A
/// failure to set the webhook is recorded at the sender and undoes nothing. Without a sender, only
/// the account is connected.
pub(crate) async fn connect(
    context: &Context,
    actor: &Actor,
    form: ConnectForm,
) -> ConnectResult<(Connection, Option<Sender>)> {
    let (keys, address) = parse(&form)?;
    existing::refuse_account(context, keys.account_sid()).await?;
    if let Some(address) = &address {
        existing::refuse_sender(context, None, address).await?;
    }
    let account = connections::verify_account(&context.twilio, &keys).await?;
    let credentials = keys.credentials();
    let found = match &address {
        Some(address) => {
            Some(connections::find_sender(&context.twilio, &credentials, address).await?)
        }
        None => None,
    };
    let checks = connections::account_checks(&keys, &Ok(account.clone()));
    let new = NewConnection { name: form.name, account, keys };
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let (connection, sender) = conn
        .transaction::<_, Error, _>(async |conn| {
            let connection =
                connections::create(conn, actor, &context.secret_key, new, now).await?;
            connections::record_checks(conn, connection.id, &checks, now).await?;
            let sender = match &found {
                Some(found) => Some(senders::create(conn, actor, connection.id, found, now).await?),
                None => None,
            };
            Ok((connection, sender))
        })
        .await?;
    drop(conn);
    tracing::info!(connection.id = %connection.id, "a Twilio account was connected");
    match sender {
        Some(sender) => Ok((
            connection,
            Some(set_inbound_webhook(context, &credentials, sender, Occasion::Addition).await?),
        )),
        None => Ok((connection, None)),
    }
}

/// Verifies another sender of a connection at Twilio, saves it, and sets its inbound webhook.
pub(crate) async fn add_sender(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    sender: &str,
) -> ConnectResult<Sender> {
    let address =
        SenderAddress::parse(sender).map_err(|error| Error::field("sender", error.to_string()))?;
    existing::refuse_sender(context, Some(id), &address).await?;
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

/// Stops accepting signatures of a connection's former Auth Token.
pub(crate) async fn forget_former_token(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = conn
        .transaction(async |conn| connections::forget_former_token(conn, actor, id, now).await)
        .await?;
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the former token of a connection was forgotten");
    Ok(connection)
}

/// The senders that the account offers, except those that the connection already has.
pub(crate) async fn offers(context: &Context, id: ConnectionId) -> ConnectResult<Offers> {
    let credentials = credentials(context, id).await?;
    let inbound_url = inbound_url(context, id).await?;
    let mut offers = offers::offers(&context.twilio, &credentials, &inbound_url).await?;
    let known = senders::of_connection(&mut *context.db.get().await?, id).await?;
    offers.offers.retain(|offer| known.iter().all(|sender| sender.address != offer.address));
    Ok(offers)
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

/// Replaces the saved keys by other keys of the same account, after Twilio has accepted them;
/// rejected keys change nothing. Signatures of the former Auth Token are accepted for a limited
/// time, or rejected from now on.
pub(crate) async fn replace_keys(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    mut keys: NewKeys,
    former: FormerToken,
) -> ConnectResult<Connection> {
    let connection = connections::find(&mut *context.db.get().await?, id).await?;
    let had_auth_token = connection.has_auth_token;
    keys.account_sid.clone_from(&connection.account_sid);
    let keys = Keys::parse(&keys).map_err(Error::Invalid)?;
    let account = connections::verify_account(&context.twilio, &keys).await?;
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        connections::replace_keys(&mut tx, actor, id, &context.secret_key, &keys, former, now)
            .await?;
        let mut closing = note_verified(tx, id, &account, now).await?;
        connections::find(closing.without_waiting(), id).await
    })
    .await?;
    drop(conn);
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the keys of a connection were replaced");
    if connection.has_auth_token != had_auth_token {
        // The webhook URL contains a secret only without an Auth Token, so it has changed.
        set_all_inbound_webhooks(context, &keys.credentials(), id).await?;
    }
    Ok(connection)
}

/// Replaces the secret in the webhook URLs and updates them at Twilio. The former secret is
/// accepted for a limited time, or rejected from now on.
pub(crate) async fn rotate_hook_secret(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
    former: FormerToken,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| {
            connections::rotate_hook_secret(conn, actor, id, &context.secret_key, former, now).await
        })
        .await?;
    drop(conn);
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the secret of a webhook address was rotated");
    if !connection.has_auth_token {
        set_all_inbound_webhooks(context, &credentials(context, id).await?, id).await?;
    }
    Ok(connection)
}

/// Stops accepting webhook URLs with a connection's former secret.
pub(crate) async fn forget_former_secret(
    context: &Context,
    actor: &Actor,
    id: ConnectionId,
) -> ConnectResult<Connection> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let connection = conn
        .transaction(async |conn| connections::forget_former_secret(conn, actor, id, now).await)
        .await?;
    context.key_epoch.advance();
    tracing::info!(connection.id = %id, "the former secret of a webhook address was forgotten");
    Ok(connection)
}

impl ConnectError {
    /// The connection that already has the entered account or sender, if that is the error.
    pub(crate) fn existing(&self) -> Option<Existing> {
        match self {
            Self::Existing(existing) => Some((**existing).clone()),
            _ => None,
        }
    }

    /// Converts the error to field errors of a form; the field `form` stands for the form as a
    /// whole. Errors that concern no field are returned unchanged.
    pub(crate) fn fields(self) -> ConnectResult<FieldErrors> {
        match self {
            Self::Problem(problem) => {
                Ok(FieldErrors::default()
                    .with(problem.field().unwrap_or("form"), problem.message()))
            }
            Self::Existing(existing) => {
                Ok(FieldErrors::default().with(existing.field, existing.message))
            }
            Self::Slice(Error::Invalid(fields)) => Ok(fields),
            Self::Slice(Error::Refused(reason)) => Ok(FieldErrors::default().with("form", reason)),
            other => Err(other),
        }
    }
}

fn parse(form: &ConnectForm) -> ConnectResult<(Keys, Option<SenderAddress>)> {
    let address = match form.sender.trim() {
        "" => Ok(None),
        text => SenderAddress::parse(text).map(Some),
    };
    match (Keys::parse(&form.keys), address) {
        (Ok(keys), Ok(address)) => Ok((keys, address)),
        (Ok(_), Err(error)) => Err(Error::field("sender", error.to_string()).into()),
        (Err(fields), Ok(_)) => Err(Error::Invalid(fields).into()),
        (Err(fields), Err(error)) => {
            Err(Error::Invalid(fields.with("sender", error.to_string())).into())
        }
    }
}

/// Records that Twilio accepts the keys; wakes the waiting messages if Carillon had stopped the
/// connection.
async fn note_verified<'t>(
    mut tx: Tx<'t>,
    id: ConnectionId,
    account: &VerifiedAccount,
    now: DateTime<Utc>,
) -> Result<Closing<'t>, Error> {
    let was_stopped = connections::record_verified(&mut tx, id, account, now).await?;
    let mut closing = tx.close();
    if was_stopped {
        claim::wake(&mut closing, WakeScope::Connection(id), now).await?;
    }
    Ok(closing)
}

async fn credentials(context: &Context, id: ConnectionId) -> ConnectResult<Credentials> {
    Ok(connections::credentials(&mut *context.db.get().await?, id, &context.secret_key).await?)
}

/// The URL of a connection's inbound webhook.
async fn inbound_url(context: &Context, id: ConnectionId) -> ConnectResult<String> {
    let address =
        connections::hook_address(&mut *context.db.get().await?, id, &context.secret_key).await?;
    Ok(address.inbound(&context.config.public_url))
}

/// Sets the inbound webhooks of all senders of a connection to its current URL.
async fn set_all_inbound_webhooks(
    context: &Context,
    credentials: &Credentials,
    id: ConnectionId,
) -> ConnectResult<()> {
    let senders = senders::of_connection(&mut *context.db.get().await?, id).await?;
    for sender in senders {
        set_inbound_webhook(context, credentials, sender, Occasion::NewAddress).await?;
    }
    Ok(())
}

/// Why a webhook is set.
#[derive(Clone, Copy)]
enum Occasion<'a> {
    /// The sender is new, which is already in the audit log.
    Addition,
    /// The URL has changed, which is already in the audit log.
    NewAddress,
    /// A user repairs it.
    Repair(&'a Actor),
}

/// Sets the sender's inbound webhook at Twilio, and records the result at the sender.
async fn set_inbound_webhook(
    context: &Context,
    credentials: &Credentials,
    sender: Sender,
    occasion: Occasion<'_>,
) -> ConnectResult<Sender> {
    let url = inbound_url(context, sender.connection_id).await?;
    let set = inbound::set(
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
                senders::note_repaired(conn, actor, &sender, context.clock.now()).await?;
            }
            Ok(sender)
        })
        .await?;
    Ok(sender)
}
