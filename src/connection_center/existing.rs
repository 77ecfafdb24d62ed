//! What is connected already: an account or a sender that is entered a second time, and where it
//! is.

use serde::Serialize;

use super::{ConnectError, Result};
use crate::connections::{self, Connection, SenderAddress};
use crate::context::Context;
use crate::error::Error;
use crate::senders;
use crate::twilio::sid::AccountSid;
use crate::types::id::ConnectionId;

/// The connection that has what was entered.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Existing {
    /// Its id, for a link.
    pub(crate) id: ConnectionId,
    /// What people call it.
    pub(crate) name: String,
    /// The field that it was entered into.
    #[serde(skip)]
    pub(crate) field: &'static str,
    /// What is so, and what to do instead.
    #[serde(skip)]
    pub(crate) message: String,
    /// The address of its page.
    #[serde(skip)]
    pub(crate) url: String,
}

impl Existing {
    /// For tests of templates.
    pub(crate) fn sample() -> Self {
        Self {
            id: ConnectionId::new(),
            name: "Shop <1>".to_owned(),
            field: "sender",
            message: String::new(),
            url: String::new(),
        }
    }

    fn refusal(
        context: &Context,
        connection: &Connection,
        field: &'static str,
        message: String,
    ) -> ConnectError {
        let url = context.config.public_url.join(&format!("/connections/{}", connection.id));
        ConnectError::Existing(Box::new(Self {
            id: connection.id,
            name: connection.name.clone(),
            field,
            message,
            url,
        }))
    }
}

/// Refuses an account that another connection has, with whatever keys.
pub(super) async fn refuse_account(context: &Context, sid: &AccountSid) -> Result<()> {
    let Some(connection) = connections::find_by_account(&mut *context.db.get().await?, sid).await?
    else {
        return Ok(());
    };
    let message = format!(
        "This Twilio account is connected already, as “{}”. Add senders there, or replace its \
         keys.",
        connection.name
    );
    Err(Existing::refusal(context, &connection, "account_sid", message))
}

/// Refuses a sender that this connection has, or that another one sends from.
pub(super) async fn refuse_sender(
    context: &Context,
    connection: Option<ConnectionId>,
    address: &SenderAddress,
) -> Result<()> {
    let mut conn = context.db.get().await?;
    if let Some(id) = connection {
        connections::find(&mut conn, id).await?;
        if senders::find_by_address(&mut conn, id, address.as_str()).await?.is_some() {
            return Err(Error::field(
                "sender",
                "This sender has been added to the connection already.",
            )
            .into());
        }
    }
    let Some(sender) = senders::find_enabled_by_address(&mut conn, address.as_str()).await? else {
        return Ok(());
    };
    let other = connections::find(&mut conn, sender.connection_id).await?;
    let message = format!(
        "{} is a sender of “{}” already. If it has moved to another account, disable it there \
         first.",
        sender.label(),
        other.name
    );
    Err(Existing::refusal(context, &other, "sender", message))
}
