//! A message with all that belongs to it, as its page shows it.

use std::collections::HashMap;

use serde::Serialize;

use super::why::{self, Why};
use crate::automations::{self, Automation};
use crate::connections::{self, Connection};
use crate::consent::OptOutReading;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::outcome::Outcome;
use crate::messages::attempt::{self, Attempt};
use crate::messages::log::plan::{self, Plan};
use crate::messages::log::story::{self, StatusEvent};
use crate::messages::message::Message;
use crate::messages::resend::{self, LeftOut};
use crate::messages::status::Resent;
use crate::messages::{inbound, message as messages};
use crate::queue::lease;
use crate::senders::{self, Sender};
use crate::templates::{self, Template};
use crate::types::id::{MessageId, WorkerId};

/// The message with all that belongs to it.
pub(super) struct MessageMaterial {
    pub(super) message: Message,
    pub(super) contact: Option<Contact>,
    pub(super) sender: Option<Sender>,
    pub(super) connection: Connection,
    pub(super) template: Option<Template>,
    pub(super) automation: Option<Automation>,
    pub(super) attempts: Vec<Attempt>,
    /// The machines of the workers that made them, as far as they run.
    pub(super) workers: HashMap<WorkerId, String>,
    pub(super) events: Vec<StatusEvent>,
    pub(super) why: Option<Why>,
    pub(super) plan: Plan,
    /// Whether it may be sent again, where that is the question.
    pub(super) retry: Option<ResendState>,
    /// What became of it if its words were read as an opt-out.
    pub(super) reading: Option<OptOutReading>,
    /// The message that repeats it.
    pub(super) retried_as: Option<MessageId>,
}

/// Whether a message that did not arrive may be sent again.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ResendState {
    /// Why not, if not.
    pub(super) why_not: Option<&'static str>,
}

impl MessageMaterial {
    pub(super) async fn load(conn: &mut Conn, id: MessageId) -> Result<Self> {
        let message = messages::find(conn, id).await?;
        let contact = match message.contact_id {
            Some(id) => present(contacts::find(conn, id).await)?,
            None => None,
        };
        let sender = match message.sender_id {
            Some(id) => present(senders::find(conn, id).await)?,
            None => None,
        };
        let template = match message.template_id {
            Some(id) => present(templates::find(conn, id).await)?,
            None => None,
        };
        let automation = match message.automation_id {
            Some(id) => present(automations::find(conn, id).await)?,
            None => None,
        };
        let attempts = attempt::of_message(conn, id).await?;
        let makers: Vec<WorkerId> = attempts.iter().map(|attempt| attempt.worker_id).collect();
        Ok(Self {
            workers: lease::machines(conn, &makers).await?,
            contact,
            sender,
            template,
            automation,
            connection: connections::find(conn, message.connection_id).await?,
            attempts,
            events: story::events(conn, &message).await?,
            why: why::of(conn, &message).await?,
            plan: plan::plan(conn, &message).await?,
            reading: inbound::reading_of(conn, &message).await?,
            retry: if did_not_arrive(&message) {
                Some(ResendState {
                    why_not: resend::verdict(conn, id).await?.err().map(LeftOut::words),
                })
            } else {
                None
            },
            retried_as: match message.retried_at {
                Some(_) => resend::retry_of(conn, id).await?,
                None => None,
            },
            message,
        })
    }
}

/// Whether it ended, or seems to have ended, without reaching anybody, and nothing took its place.
fn did_not_arrive(message: &Message) -> bool {
    let missed = message.status.outcome(Resent::No);
    let missed = matches!(
        missed,
        Some(Outcome::Failed | Outcome::Unconfirmed | Outcome::Suppressed | Outcome::Skipped)
    );
    missed && message.retried_at.is_none()
}

/// What was found, or nothing if it was deleted meanwhile.
fn present<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
