//! Messages for the samples of several pages: one in each state.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::loaded_message::{LoadedMessage, ResendEligibility};
use super::reasons::EndReason;
use crate::automations::{Automation, AutomationStatus, Definition, Trigger};
use crate::connections::{Connection, SenderAddress, SenderKind, UnconfirmedPolicy};
use crate::consent::OptOutReading;
use crate::contacts::Contact;
use crate::ledger::prices::Price;
use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::next_job::NextJob;
use crate::messages::log::status_history::StatusEntry;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::senders::Sender;
use crate::templates::Template;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId, WorkerId,
};
use crate::types::phone::PhoneNumber;

/// A pending message.
pub(super) fn message() -> Message {
    Message {
        id: MessageId::new(),
        direction: Direction::Outbound,
        connection_id: ConnectionId::new(),
        sender_id: Some(SenderId::new()),
        contact_id: None,
        to_address: "+14155550123".to_owned(),
        from_address: None,
        body: "Your order <7> & more is on its way.\nBye".to_owned(),
        media_urls: Vec::new(),
        parts: 1,
        encoding: Some("gsm7".to_owned()),
        status: MessageStatus::Pending,
        reason: None,
        error_code: None,
        twilio_sid: None,
        former_sids: None,
        template_id: None,
        template_version: None,
        automation_id: None,
        enrollment_id: None,
        step: None,
        retry_of: None,
        retried_at: None,
        created_at: DateTime::UNIX_EPOCH,
        status_at: at(4_000),
    }
}

/// One message in each state.
pub(super) fn messages() -> Vec<Message> {
    loaded_messages().into_iter().map(|loaded| loaded.message).collect()
}

/// One message in each state, with the rows that it refers to.
pub(super) fn loaded_messages() -> Vec<LoadedMessage> {
    let with = |status| Message { status, ..message() };
    let inbound = Message {
        direction: Direction::Inbound,
        from_address: Some("+14155550123".to_owned()),
        to_address: "+14155550100".to_owned(),
        body: "Stop! <b>".to_owned(),
        media_urls: vec!["https://api.twilio.com/media/1?a=1&b=2".to_owned()],
        ..with(MessageStatus::Received)
    };
    let failed = Message {
        retry_of: Some(MessageId::new()),
        reason: Some("event.city is not set in this event".to_owned()),
        to_address: String::new(),
        ..with(MessageStatus::Failed)
    };
    let blocked = LoadedMessage {
        automation: Some(automation(AutomationStatus::Paused)),
        ..bare(with(MessageStatus::Pending))
    };
    let waiting =
        LoadedMessage { plan: NextJob::At(at(60_000)), ..bare(with(MessageStatus::Pending)) };
    let given_up =
        LoadedMessage { plan: NextJob::GivenUp, ..bare(with(MessageStatus::Unconfirmed)) };
    let read_as = |reading| LoadedMessage {
        contact: Some(contact("+14155550123")),
        opt_out_reading: Some(reading),
        ..bare(Message { id: MessageId::new(), ..inbound.clone() })
    };
    let (read, undone) = (read_as(OptOutReading::Holds), read_as(OptOutReading::Ended));
    vec![
        delivered(),
        lost(),
        suppressed(),
        bare(failed),
        bare(inbound),
        blocked,
        waiting,
        given_up,
        read,
        undone,
    ]
}

/// A message of an automation, delivered at the second attempt, with repeated and late reports.
fn delivered() -> LoadedMessage {
    let message = Message {
        contact_id: Some(ContactId::new()),
        twilio_sid: Some("SM0123456789abcdef0123456789abcdef".to_owned()),
        from_address: Some("+14155550100".to_owned()),
        template_id: Some(TemplateId::new()),
        template_version: Some(2),
        automation_id: Some(AutomationId::new()),
        enrollment_id: Some(EnrollmentId::new()),
        step: Some(0),
        media_urls: vec!["https://example.com/bell.jpg?a=1&b=2".to_owned()],
        encoding: Some("ucs2".to_owned()),
        ..Message { status: MessageStatus::Delivered, ..message() }
    };
    LoadedMessage {
        contact: Some(contact("+14155550123")),
        template: Some(template()),
        automation: Some(automation(AutomationStatus::Active)),
        attempts: vec![
            attempt(1, 10, AttemptOutcome::Busy),
            attempt(2, 2_000, AttemptOutcome::Accepted),
        ],
        entries: vec![
            entry(0, "pending", ReportSource::Carillon, true),
            entry(10, "submitting", ReportSource::Carillon, true),
            entry(2_000, "submitting", ReportSource::Carillon, true),
            entry(2_212, "queued", ReportSource::Response, true),
            entry(4_000, "delivered", ReportSource::Callback, true),
            entry(4_100, "sent", ReportSource::Callback, false),
        ],
        ..bare(message)
    }
}

/// A message whose response was lost and whose callback reported an error.
fn lost() -> LoadedMessage {
    let message = Message {
        error_code: Some(30003),
        twilio_sid: Some("SM1".to_owned()),
        ..Message { status: MessageStatus::Undelivered, ..message() }
    };
    LoadedMessage {
        price: Some(Price {
            per_part: 0.0079,
            unit: "USD".to_owned(),
            parts: 200,
            learned_at: DateTime::UNIX_EPOCH,
        }),
        attempts: vec![attempt(1, 10, AttemptOutcome::Unknown)],
        entries: vec![
            entry(0, "pending", ReportSource::Carillon, true),
            entry(10, "submitting", ReportSource::Carillon, true),
            entry(222, "unconfirmed", ReportSource::Carillon, true),
            StatusEntry {
                error_code: Some(30003),
                ..entry(3_300, "undelivered", ReportSource::Callback, true)
            },
        ],
        ..bare(message)
    }
}

fn suppressed() -> LoadedMessage {
    let message = Message {
        reason: Some("stop".to_owned()),
        ..Message { status: MessageStatus::Suppressed, ..message() }
    };
    LoadedMessage {
        end_reason: Some(EndReason {
            words: "The contact texted “<STOP>” to +1 415 555 0100".to_owned(),
            at: Some(DateTime::UNIX_EPOCH),
            link: Some("/messages/1".to_owned()),
            meaning: Some("The person texted STOP."),
        }),
        entries: vec![
            entry(0, "pending", ReportSource::Carillon, true),
            entry(0, "suppressed", ReportSource::Carillon, true),
        ],
        ..bare(message)
    }
}

fn bare(message: Message) -> LoadedMessage {
    let first = if message.direction == Direction::Inbound { "received" } else { "pending" };
    let end_reason = message.reason.as_ref().map(|reason| EndReason {
        words: reason.clone(),
        at: None,
        link: None,
        meaning: None,
    });
    LoadedMessage {
        contact: None,
        sender: Some(sender()),
        connection: connection(),
        template: None,
        automation: None,
        attempts: Vec::new(),
        workers: HashMap::new(),
        entries: vec![entry(0, first, ReportSource::Carillon, true)],
        end_reason,
        plan: NextJob::Unknown,
        resend: match message.status {
            MessageStatus::Failed => Some(ResendEligibility { why_not: None }),
            MessageStatus::Undelivered => {
                Some(ResendEligibility { why_not: Some("It may have arrived: a carrier had it.") })
            }
            _ => None,
        },
        opt_out_reading: None,
        resent_as: None,
        price: None,
        message,
    }
}

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

fn entry(time: i64, status: &str, source: ReportSource, applied: bool) -> StatusEntry {
    let params = (source == ReportSource::Callback)
        .then(|| json!({ "MessageStatus": status, "To": "<+14155550123>" }));
    StatusEntry {
        status: status.to_owned(),
        at: at(time),
        source,
        error_code: None,
        applied,
        params,
    }
}

fn attempt(number: i16, claimed: i64, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        number,
        worker_id: WorkerId::new(),
        claimed_at: at(claimed),
        finished_at: Some(at(claimed + 212)),
        outcome: Some(outcome),
        http_status: Some(201),
        error_code: None,
        twilio_request_id: Some("RQ0123456789abcdef0123456789abcdef".to_owned()),
        duration_ms: Some(212),
    }
}

/// An active sender.
pub(super) fn sender() -> Sender {
    let address = PhoneNumber::from_e164("+14155550100").map(SenderAddress::PhoneNumber);
    Sender {
        id: SenderId::new(),
        connection_id: ConnectionId::new(),
        kind: SenderKind::PhoneNumber,
        address: address.expect("it is a number in E.164"),
        twilio_sid: "PN1".to_owned(),
        name: "Shop".to_owned(),
        sms_capable: true,
        mms_capable: true,
        webhook_url: None,
        webhook_error: None,
        parts_per_second: None,
        validity: crate::senders::Validity::USUAL,
        created_at: DateTime::UNIX_EPOCH,
        disabled_at: None,
        stopped_at: None,
        stopped_reason: None,
    }
}

/// An active connection.
pub(super) fn connection() -> Connection {
    Connection {
        id: ConnectionId::new(),
        name: "Bells & Sons".to_owned(),
        account_sid: "AC1".to_owned(),
        account_name: "Bells".to_owned(),
        account_type: None,
        has_auth_token: true,
        api_key_sid: None,
        unconfirmed_policy: UnconfirmedPolicy::GiveUp,
        former_auth_token_until: None,
        former_hook_secret_until: None,
        max_concurrency: 250,
        verified_at: DateTime::UNIX_EPOCH,
        created_at: DateTime::UNIX_EPOCH,
        disabled_at: None,
        stopped_at: None,
        stopped_reason: None,
    }
}

fn template() -> Template {
    Template {
        id: TemplateId::new(),
        name: "Thanks <you>".to_owned(),
        version: 3,
        body: "Hi".to_owned(),
        media_urls: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        archived_at: None,
    }
}

fn automation(status: AutomationStatus) -> Automation {
    Automation {
        id: AutomationId::new(),
        name: "Thank <you> & see you".to_owned(),
        status,
        version: 1,
        definition: Definition { trigger: Trigger::ContactCreated, steps: Vec::new() },
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        archived_at: None,
    }
}

/// A contact with a name.
pub(super) fn contact(number: &str) -> Contact {
    let phone = PhoneNumber::from_e164(number).expect("it is a number in E.164");
    Contact {
        id: ContactId::new(),
        phone,
        first_name: Some("Ann <b>".to_owned()),
        last_name: Some("O’Hara".to_owned()),
        email: None,
        external_id: None,
        attributes: json!({}),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}
