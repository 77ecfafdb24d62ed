//! A message as its page and the side panel of the list show it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::attempts_and_reports::{AttemptRow, ReportRow};
use super::channel::Channel;
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
use crate::web::http::template_filters::shown_address;
use crate::web::ui::templates::price_estimate::format_amount;

/// Everything about a message, except the heading.
#[expect(clippy::struct_excessive_bools, reason = "each is one condition of the templates")]
#[derive(Debug, Serialize)]
pub(in crate::web) struct MessageView {
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
    channel: Channel,
    parts: i16,
    /// The number of characters as Twilio counts them.
    characters: usize,
    encoding: Option<&'static str>,
    /// The estimated price of all parts, with its currency.
    price: Option<String>,
    status: MessageStatus,
    /// The word for the status if the usual one does not say why, else empty.
    word: &'static str,
    meaning: &'static str,
    status_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    why: Option<EndReason>,
    trouble: Option<ErrorExplanation>,
    holds: Vec<Blocker>,
    next_try: Option<DateTime<Utc>>,
    given_up: bool,
    pub(super) contact: Option<Link>,
    /// The other party: the contact's name, with the number if it is not the contact's current one,
    /// else the number.
    who: Option<String>,
    /// The contact's current number, if the message has another one.
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
    /// Whether the history is longer than a day, so that its times need their day.
    is_long: bool,
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

impl MessageView {
    /// Loads the current state.
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
            entries,
            end_reason,
            plan,
            resend,
            opt_out_reading,
            resent_as,
            price,
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
            entries: &entries,
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
            // An outstanding response is expected even if a callback has already made the status
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
            channel: Channel::of(&message),
            characters: message.body.encode_utf16().count(),
            price: price.map(|price| {
                let amount = price.per_part * f64::from(message.parts);
                format!("{} {}", format_amount(amount), price.unit)
            }),
            word: reasons::status_word(&message).unwrap_or_default(),
            is_long: is_long(&history),
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
            reports: entries.iter().filter_map(ReportRow::of).collect(),
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

    /// The heading of the panel, which stands beside the list.
    pub(super) fn short_title(&self) -> String {
        match (self.inbound, &self.who) {
            (true, Some(who)) => format!("From {who}"),
            (false, Some(who)) => format!("To {who}"),
            (_, None) => self.title(),
        }
    }
}

fn name(contact: &Contact) -> String {
    contact.label()
}

fn is_long(history: &[HistoryLine]) -> bool {
    let times = history.first().zip(history.last());
    times.is_some_and(|(first, last)| last.at - first.at >= TimeDelta::hours(18))
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
            format!(" Template “{}”, version {version}.", template.name)
        }
        _ => String::new(),
    };
    let step = message.step.map_or_else(String::new, |step| format!(", step {}", step + 1));
    match automation {
        Some(automation) if message.retry_of.is_some() => {
            format!("Sent again, from the automation “{}”.{template}", automation.name)
        }
        Some(automation) => format!("Automation “{}”{step}.{template}", automation.name),
        None if message.enrollment_id.is_some() || message.step.is_some() => {
            format!("An automation that was deleted.{template}")
        }
        None if message.retry_of.is_some() => format!("Sent again.{template}"),
        None => format!("Sent manually or by API.{template}"),
    }
}
