//! A message as its page loads it: its row, and the rows that it refers to.

use std::collections::HashMap;

use serde::Serialize;

use super::channel::Channel;
use super::reasons::{self, EndReason};
use crate::automations::{self, Automation};
use crate::connections::{self, Connection};
use crate::consent::OptOutReading;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::prices::{self, Price};
use crate::messages::attempt::{self, Attempt};
use crate::messages::log::next_job::{self, NextJob};
use crate::messages::log::status_history::{self, StatusEntry};
use crate::messages::message::{Direction, Message};
use crate::messages::resend::{self, LeftOutReason};
use crate::messages::status::Resent;
use crate::messages::{inbound, message as messages};
use crate::queue::worker_registry;
use crate::senders::{self, Sender};
use crate::templates::{self, Template};
use crate::types::id::{MessageId, WorkerId};
use crate::types::phone::PhoneNumber;

/// A message with all rows that its page shows.
pub(super) struct LoadedMessage {
    pub(super) message: Message,
    pub(super) contact: Option<Contact>,
    pub(super) sender: Option<Sender>,
    pub(super) connection: Connection,
    pub(super) template: Option<Template>,
    pub(super) automation: Option<Automation>,
    pub(super) attempts: Vec<Attempt>,
    /// The hosts of the workers that made the attempts and still run.
    pub(super) workers: HashMap<WorkerId, String>,
    pub(super) entries: Vec<StatusEntry>,
    pub(super) end_reason: Option<EndReason>,
    pub(super) plan: NextJob,
    /// Whether a user may resend the message; none if it was delivered or has been resent.
    pub(super) resend: Option<ResendEligibility>,
    /// Whether the opt-out still holds that was read from the wording of the message, if one was.
    pub(super) opt_out_reading: Option<OptOutReading>,
    /// The message that a user sent in place of this one.
    pub(super) resent_as: Option<MessageId>,
    /// The usual price of a part, for an SMS of ours.
    pub(super) price: Option<Price>,
}

/// Whether a user may resend an undelivered message.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ResendEligibility {
    /// A sentence about why it may not be resent; none if it may.
    pub(super) why_not: Option<&'static str>,
}

impl LoadedMessage {
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
            workers: worker_registry::host_names(conn, &worker_ids).await?,
            contact,
            sender,
            template,
            automation,
            connection: connections::find(conn, message.connection_id).await?,
            attempts,
            entries: status_history::entries(conn, &message).await?,
            end_reason: reasons::end_reason(conn, &message).await?,
            plan: next_job::find(conn, &message).await?,
            opt_out_reading: inbound::reading_of(conn, &message).await?,
            resend: if is_undelivered(&message) {
                Some(ResendEligibility {
                    why_not: resend::check_eligibility(conn, id)
                        .await?
                        .err()
                        .map(LeftOutReason::explanation),
                })
            } else {
                None
            },
            resent_as: match message.retried_at {
                Some(_) => resend::resent_by(conn, id).await?,
                None => None,
            },
            price: price(conn, &message).await?,
            message,
        })
    }
}

/// The usual price of a part to the recipient's country; MMS and WhatsApp have other prices.
async fn price(conn: &mut Conn, message: &Message) -> Result<Option<Price>> {
    let is_outbound = message.direction == Direction::Outbound;
    let country = PhoneNumber::from_e164(&message.to_address)
        .ok()
        .filter(|_| is_outbound && Channel::of(message) == Channel::Sms)
        .and_then(|phone| phone.country());
    match country {
        Some(country) => prices::find(conn, country).await,
        None => Ok(None),
    }
}

/// Whether the message has the outcome of an undelivered one and has not been resent. An
/// unconfirmed one may have been delivered nevertheless.
fn is_undelivered(message: &Message) -> bool {
    let has_failed = matches!(
        message.status.outcome(Resent::No),
        Some(Outcome::Failed | Outcome::Unconfirmed | Outcome::Suppressed | Outcome::Skipped)
    );
    has_failed && message.retried_at.is_none()
}

/// Turns a missing row, which has been deleted since, into none.
fn unless_deleted<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
