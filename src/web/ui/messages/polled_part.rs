//! The part of a message's page that the open page polls: everything except the heading.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::attempts_and_reports::{AttemptRow, ReportRow};
use super::history::{HistoryLine, MessageHistory};
use super::loaded_message::{LoadedMessage, ResendEligibility};
use super::reasons::{self, Blocker, EndReason, ErrorExplanation};
use crate::automations::Automation;
use crate::consent::OptOutReading;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::next_job::NextJob;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::templates::Template;
use crate::types::id::{ConnectionId, EnrollmentId, MessageId};
use crate::web::Page;
use crate::web::http::template_filters::shown_address;

/// The part of a message's page that the open page polls.
#[derive(Debug, Serialize)]
pub(in crate::web) struct PolledMessagePart {
    pub(super) id: MessageId,
    /// Whether the message can still change, so that the page keeps polling.
    live: bool,
    inbound: bool,
    /// `holds` or `ended`, if an opt-out was read from its wording.
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
    /// The message in whose place a user sent this one.
    retry_of: Option<MessageId>,
    /// The message that a user sent in place of this one.
    retried_as: Option<MessageId>,
    /// Whether a user may resend the message; none if it was delivered or has been resent.
    retry: Option<ResendEligibility>,
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

impl PolledMessagePart {
    /// Loads the present state.
    pub(super) async fn load(conn: &mut Conn, id: MessageId) -> Result<Self> {
        Ok(Self::of(LoadedMessage::load(conn, id).await?))
    }

    pub(super) fn of(loaded: LoadedMessage) -> Self {
        let LoadedMessage {
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
            resend,
            opt_out_reading,
            resent_as,
        } = loaded;
        let blockers = if message.status == MessageStatus::Pending {
            reasons::blockers(sender.as_ref(), &connection, automation.as_ref())
        } else {
            Vec::new()
        };
        let next_try = match plan {
            NextJob::At(at) if blockers.is_empty() => Some(at),
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
            reading: opt_out_reading.map(|reading| match reading {
                OptOutReading::Holds => "holds",
                OptOutReading::Ended => "ended",
            }),
            undo: contact
                .as_ref()
                .filter(|_| opt_out_reading == Some(OptOutReading::Holds))
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
            given_up: plan == NextJob::GivenUp,
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
            retried_as: resent_as,
            retry: resend,
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

impl Page for PolledMessagePart {
    const TEMPLATE: &'static str = "ui/messages/_polled_part.html";
}
