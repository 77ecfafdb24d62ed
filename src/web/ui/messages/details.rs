//! A message with everything that its page shows.

use std::collections::HashMap;

use serde::Serialize;

use super::reasons::{self, EndReason};
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

/// A message with everything that its page shows.
pub(super) struct MessageDetails {
    pub(super) message: Message,
    pub(super) contact: Option<Contact>,
    pub(super) sender: Option<Sender>,
    pub(super) connection: Connection,
    pub(super) template: Option<Template>,
    pub(super) automation: Option<Automation>,
    pub(super) attempts: Vec<Attempt>,
    /// The hosts of the workers that made the attempts and still run.
    pub(super) workers: HashMap<WorkerId, String>,
    pub(super) events: Vec<StatusEvent>,
    pub(super) end_reason: Option<EndReason>,
    pub(super) plan: Plan,
    /// Whether the message may be sent again, if it was not delivered.
    pub(super) retry: Option<ResendState>,
    /// The state of the opt-out, if one was detected in the words of the message.
    pub(super) reading: Option<OptOutReading>,
    /// The message as which it was sent again.
    pub(super) retried_as: Option<MessageId>,
}

/// Whether an undelivered message may be sent again.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ResendState {
    /// A sentence about why not; none if it may be sent.
    pub(super) why_not: Option<&'static str>,
}

impl MessageDetails {
    pub(super) async fn load(conn: &mut Conn, id: MessageId) -> Result<Self> {
        let message = messages::find(conn, id).await?;
        let contact = match message.contact_id {
            Some(id) => unless_deleted(contacts::find(conn, id).await)?,
            None => None,
        };
        let sender = match message.sender_id {
            Some(id) => unless_deleted(senders::find(conn, id).await)?,
            None => None,
        };
        let template = match message.template_id {
            Some(id) => unless_deleted(templates::find(conn, id).await)?,
            None => None,
        };
        let automation = match message.automation_id {
            Some(id) => unless_deleted(automations::find(conn, id).await)?,
            None => None,
        };
        let attempts = attempt::of_message(conn, id).await?;
        let worker_ids: Vec<WorkerId> = attempts.iter().map(|attempt| attempt.worker_id).collect();
        Ok(Self {
            workers: lease::machines(conn, &worker_ids).await?,
            contact,
            sender,
            template,
            automation,
            connection: connections::find(conn, message.connection_id).await?,
            attempts,
            events: story::events(conn, &message).await?,
            end_reason: reasons::end_reason(conn, &message).await?,
            plan: plan::plan(conn, &message).await?,
            reading: inbound::reading_of(conn, &message).await?,
            retry: if did_not_arrive(&message) {
                Some(ResendState {
                    why_not: resend::check_eligibility(conn, id).await?.err().map(LeftOut::words),
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

/// Whether the message ended, or seems to have ended, undelivered, and was not sent again.
fn did_not_arrive(message: &Message) -> bool {
    let is_undelivered = matches!(
        message.status.outcome(Resent::No),
        Some(Outcome::Failed | Outcome::Unconfirmed | Outcome::Suppressed | Outcome::Skipped)
    );
    is_undelivered && message.retried_at.is_none()
}

/// Turns a missing row, which was deleted meanwhile, into none.
fn unless_deleted<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
