//! The part of a message's page that is updated while the page is open.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::attempts::{AttemptRow, ReportRow};
use super::details::{MessageDetails, ResendState};
use super::history::{HistoryLine, MessageHistory};
use super::reasons::{self, Blocker, EndReason, ErrorExplanation};
use super::rows::shown_address;
use crate::automations::Automation;
use crate::consent::OptOutReading;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::plan::Plan;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::templates::Template;
use crate::types::id::{ConnectionId, EnrollmentId, MessageId};
use crate::web::Page;

/// Everything about a message except the page's heading. The open page polls this part.
#[derive(Debug, Serialize)]
pub(in crate::web) struct MessageProgress {
    pub(super) id: MessageId,
    /// Whether the message can still change, so that the page keeps polling.
    live: bool,
    inbound: bool,
    /// `holds` or `ended`, if an opt-out was detected in its words.
    reading: Option<&'static str>,
    /// The path of the form that undoes that opt-out.
    undo: Option<String>,
    body: String,
    media_urls: Vec<String>,
    parts: i16,
    encoding: Option<&'static str>,
    status: MessageStatus,
    meaning: &'static str,
    status_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    why: Option<EndReason>,
    trouble: Option<ErrorExplanation>,
    holds: Vec<Blocker>,
    next_try: Option<DateTime<Utc>>,
    given_up: bool,
    pub(super) contact: Option<Link>,
    /// The other party: the contact's name, with the number if it is not the contact's present one,
    /// else the number.
    who: Option<String>,
    /// The contact's present number, if the message has another one.
    contact_now: Option<String>,
    to: Option<String>,
    from: Option<String>,
    sender: Option<String>,
    connection: Link,
    template: Option<Link>,
    template_version: Option<i32>,
    automation: Option<Link>,
    enrollment_id: Option<EnrollmentId>,
    retry_of: Option<MessageId>,
    retried_as: Option<MessageId>,
    /// Whether the message may be sent again, if it was not delivered.
    retry: Option<ResendState>,
    /// The step of the automation, counted from 1.
    step: Option<i16>,
    twilio_sid: Option<String>,
    story: Vec<HistoryLine>,
    attempts: Vec<AttemptRow>,
    reports: Vec<ReportRow>,
}

/// A link to the page of something that the message refers to.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) path: String,
    pub(super) label: String,
}

impl MessageProgress {
    /// Loads the present state.
    pub(super) async fn load(conn: &mut Conn, id: MessageId) -> Result<Self> {
        Ok(Self::of(MessageDetails::load(conn, id).await?))
    }

    pub(super) fn of(details: MessageDetails) -> Self {
        let MessageDetails {
            message,
            contact,
            sender,
            connection,
            template,
            automation,
            attempts,
            workers,
            events,
            end_reason,
            plan,
            retry,
            reading,
            retried_as,
        } = details;
        let blockers = if message.status == MessageStatus::Pending {
            reasons::blockers(sender.as_ref(), &connection, automation.as_ref())
        } else {
            Vec::new()
        };
        let next_try = match plan {
            Plan::At(at) if blockers.is_empty() => Some(at),
            _ => None,
        };
        let origin = origin(&message, template.as_ref(), automation.as_ref());
        let history = MessageHistory {
            message: &message,
            attempts: &attempts,
            events: &events,
            origin,
            end_reason: end_reason.as_ref(),
        }
        .lines();
        let address = message.their_address().map(shown_address);
        let other =
            contact.as_ref().filter(|contact| message.other_address(&contact.phone).is_some());
        let who = match (contact.as_ref().and_then(Contact::full_name), &address) {
            (Some(name), Some(address)) if other.is_some() => Some(format!("{name}, {address}")),
            (Some(name), _) => Some(name),
            (None, address) => address.clone(),
        };
        let contact_now = other.map(|contact| contact.phone.international());
        let ended_well = matches!(message.status, MessageStatus::Delivered | MessageStatus::Read);
        Self {
            id: message.id,
            // An outstanding answer is expected even if a callback has already made the status
            // final.
            live: !message.status.is_final()
                || attempts.iter().any(|attempt| attempt.finished_at.is_none()),
            inbound: message.direction == Direction::Inbound,
            reading: reading.map(|reading| match reading {
                OptOutReading::Holds => "holds",
                OptOutReading::Ended => "ended",
            }),
            undo: contact
                .as_ref()
                .filter(|_| reading == Some(OptOutReading::Holds))
                .map(|contact| format!("/contacts/{}/undo-opt-out", contact.id)),
            parts: message.parts,
            encoding: message
                .encoding
                .as_deref()
                .map(|word| if word == "ucs2" { "UCS-2" } else { "GSM-7" }),
            status: message.status,
            meaning: message.status.meaning(),
            status_at: message.status_at,
            created_at: message.created_at,
            why: end_reason.filter(|_| !ended_well),
            trouble: message.error_code.filter(|_| !ended_well).map(ErrorExplanation::of),
            next_try,
            given_up: plan == Plan::GivenUp,
            holds: blockers,
            who,
            contact_now,
            contact: contact.map(|contact| Link {
                path: format!("/contacts/{}", contact.id),
                label: name(&contact),
            }),
            to: Some(message.to_address)
                .filter(|address| !address.is_empty())
                .map(|address| shown_address(&address)),
            from: message.from_address.as_deref().map(shown_address),
            sender: sender.map(|sender| sender.label()),
            connection: Link { path: path_of(connection.id), label: connection.name },
            template: template.map(|template| Link {
                path: format!("/templates/{}", template.id),
                label: template.name,
            }),
            template_version: message.template_version,
            automation: automation.map(|automation| Link {
                path: format!("/automations/{}", automation.id),
                label: automation.name,
            }),
            enrollment_id: message.enrollment_id,
            retry_of: message.retry_of,
            retried_as,
            retry,
            step: message.step.map(|step| step + 1),
            twilio_sid: message.twilio_sid,
            body: message.body,
            media_urls: message.media_urls,
            story: history,
            attempts: attempts.iter().map(|attempt| AttemptRow::of(attempt, &workers)).collect(),
            reports: events.iter().filter_map(ReportRow::of).collect(),
        }
    }

    /// The heading of the page.
    pub(super) fn title(&self) -> String {
        match (self.inbound, &self.who) {
            (true, Some(who)) => format!("Message from {who}"),
            (true, None) => "Inbound message".to_owned(),
            (false, Some(who)) => format!("Message to {who}"),
            (false, None) => "Message without a recipient".to_owned(),
        }
    }
}

fn name(contact: &Contact) -> String {
    contact.label()
}

fn path_of(id: ConnectionId) -> String {
    format!("/connections/{id}")
}

/// A sentence about the origin of the message.
fn origin(
    message: &Message,
    template: Option<&Template>,
    automation: Option<&Automation>,
) -> String {
    let template = match (template, message.template_version) {
        (Some(template), Some(version)) => {
            format!(" From the template “{}”, version {version}.", template.name)
        }
        _ => String::new(),
    };
    let step = message.step.map_or_else(String::new, |step| format!("Step {} of ", step + 1));
    match automation {
        Some(automation) if message.retry_of.is_some() => {
            format!("Sent again, of the automation “{}”.{template}", automation.name)
        }
        Some(automation) => format!(
            "{step}{} automation “{}”.{template}",
            if step.is_empty() { "The" } else { "the" },
            automation.name
        ),
        None if message.enrollment_id.is_some() || message.step.is_some() => {
            format!("An automation that was deleted.{template}")
        }
        None if message.retry_of.is_some() => format!("A message that was sent again.{template}"),
        None => format!("A single message that was asked for by a person or a program.{template}"),
    }
}

impl Page for MessageProgress {
    const TEMPLATE: &'static str = "ui/messages/_progress.html";
}
