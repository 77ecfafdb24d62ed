//! Connects a Twilio account: verifies it, saves it, and sets its sender's inbound webhook.

use diesel_async::AsyncConnection;

use super::duplicates;
use super::error::ConnectResult;
use super::inbound_webhook::{Occasion, set_inbound_webhook};
use crate::connections::{self, Connection, Keys, NewConnection, NewKeys, SenderAddress};
use crate::context::Context;
use crate::error::Error;
use crate::senders::{self, Sender};
use crate::users::audit::Actor;

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
    duplicates::refuse_account(context, keys.account_sid()).await?;
    if let Some(address) = &address {
        duplicates::refuse_sender(context, None, address).await?;
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
