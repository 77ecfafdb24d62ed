//! Inbound messages: recorded with the effect of their keywords, then reported to the webhook of
//! the number or service.

use serde::Serialize;

use super::message::{Direction, Message, Status, new_sid, without_channel};
use super::opt_out_keywords::{Keyword, apply_keyword};
use super::parameters::parse_to;
use super::parts;
use super::resources::NumberKind;
use super::shared_state::Shared;
use super::twiml::reply_texts;
use super::webhook_client::Call;
use super::world::World;

/// The result of a message from a handset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InboundResult {
    /// The SID of the inbound message.
    pub sid: String,
    /// The HTTP status of the webhook's response; `None` without a response or a webhook.
    pub webhook_status: Option<u16>,
    /// The result of the webhook call in words.
    pub webhook: String,
}

/// Why a message from a handset cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// No account owns the number.
    #[error("{0} is not a number of this simulator; its home page lists the numbers")]
    UnknownNumber(String),
    /// The number is voice only.
    #[error("{0} cannot receive messages: it is a voice number")]
    NoSms(String),
    /// The handset's number is not a phone number.
    #[error("{0} is not a phone number in E.164, e.g. +12065550111")]
    BadHandset(String),
    /// No inbound message has this SID.
    #[error("there is no inbound message {0}")]
    UnknownMessage(String),
}

/// Records a message from a handset and applies its keyword; [`call_webhook`] reports it.
pub(super) fn receive(
    shared: &Shared,
    from: &str,
    to: &str,
    body: &str,
) -> Result<usize, InboundError> {
    let from = parse_to(from).map_err(|_| InboundError::BadHandset(from.to_owned()))?;
    let mut world = shared.world();
    let number = world
        .number(without_channel(to))
        .cloned()
        .ok_or_else(|| InboundError::UnknownNumber(to.to_owned()))?;
    if !number.capabilities.sms {
        return Err(InboundError::NoSms(to.to_owned()));
    }
    let channel = if number.kind == NumberKind::WhatsApp { "whatsapp:" } else { "" };
    let service_sid = world.service_of(&number.phone_number).map(|service| service.sid.clone());
    let now = world.clock.now();
    let message = Message {
        sid: new_sid("SM"),
        account_sid: number.account_sid.clone(),
        direction: Direction::Inbound,
        from: Some(format!("{channel}{}", without_channel(&from))),
        to: format!("{channel}{}", number.phone_number),
        body: body.to_owned(),
        media: Vec::new(),
        status: Status::Received,
        error_code: None,
        parts: parts::count(body),
        service_sid,
        status_callback: None,
        send_at: None,
        validity_period: None,
        created: now,
        updated: now,
        sent: Some(now),
        webhook: Some("calling the webhook".to_owned()),
        webhook_token: Some(new_sid("")),
    };
    let index = world.log.push(message.clone());
    if number.kind != NumberKind::WhatsApp
        && let Some(keyword) = Keyword::of(body)
        && let Some((text, direction)) = apply_keyword(&mut world, &number, &message, keyword)
    {
        auto_reply(&mut world, index, text, direction);
    }
    Ok(index)
}

/// Calls the webhook for an inbound message; repeated calls have the same idempotency token.
pub(super) async fn call_webhook(shared: &Shared, index: usize) -> Option<InboundResult> {
    let (sid, call) = {
        let world = shared.world();
        let message =
            world.log.get(index).filter(|message| message.direction == Direction::Inbound)?;
        (message.sid.clone(), webhook_call(&world, message))
    };
    let (webhook_status, webhook) = match call {
        None => (None, "no webhook is set for this number".to_owned()),
        Some(call) => {
            let response = shared.call(&call).await;
            if response.status.is_some_and(|status| (200..300).contains(&status)) {
                for text in reply_texts(&response.body) {
                    auto_reply(&mut shared.world(), index, &text, Direction::OutboundReply);
                }
            }
            let summary = match (response.status, response.error) {
                (Some(status), _) => format!("the webhook answered {status}"),
                (None, error) => format!("the webhook failed: {}", error.unwrap_or_default()),
            };
            (response.status, summary)
        }
    };
    shared.world().log.change(index, |message| message.webhook = Some(webhook.clone()));
    Some(InboundResult { sid, webhook_status, webhook })
}

/// Records an automatic reply to the handset of an inbound message.
fn auto_reply(world: &mut World, index: usize, text: &str, direction: Direction) {
    let Some(inbound) = world.log.get(index) else {
        return;
    };
    let now = world.clock.now();
    let reply = Message {
        sid: new_sid("SM"),
        direction,
        from: Some(inbound.to.clone()),
        to: inbound.from.clone().unwrap_or_default(),
        body: text.to_owned(),
        status: Status::Delivered,
        parts: parts::count(text),
        created: now,
        updated: now,
        sent: Some(now),
        webhook: None,
        webhook_token: None,
        ..inbound.clone()
    };
    world.log.push(reply);
}

fn webhook_call(world: &World, message: &Message) -> Option<Call> {
    let number = world.number(without_channel(&message.to))?;
    let service = message.service_sid.as_deref().and_then(|sid| world.service(sid));
    let (url, method) = match service {
        Some(service) if !service.use_inbound_webhook_on_number => {
            (service.inbound_request_url.clone(), service.inbound_method)
        }
        // Applications are not simulated: their messages go to no webhook.
        _ if number.sms_application_sid.is_some() => (None, number.sms_method),
        _ => (number.sms_url.clone(), number.sms_method),
    };
    let mut params = inbound_params(message);
    if service.is_some_and(|service| service.advanced_opt_out)
        && let Some(keyword) = Keyword::of(&message.body)
    {
        params.push(("OptOutType", keyword.opt_out_type().to_owned()));
    }
    Some(Call {
        url: url.filter(|url| !url.is_empty())?,
        method,
        params: params.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        auth_token: world.account(&message.account_sid)?.auth_token.clone(),
        message_sid: message.sid.clone(),
        idempotency_token: message.webhook_token.clone()?,
        status: Status::Received.as_str(),
    })
}

fn inbound_params(message: &Message) -> Vec<(&'static str, String)> {
    let from = message.from.as_deref().unwrap_or_default();
    let country = |address: &str| {
        if without_channel(address).starts_with("+1") { "US" } else { "" }.to_owned()
    };
    let mut params = vec![
        ("ToCountry", country(&message.to)),
        ("ToState", String::new()),
        ("SmsMessageSid", message.sid.clone()),
        ("NumMedia", "0".into()),
        ("ToCity", String::new()),
        ("FromZip", String::new()),
        ("SmsSid", message.sid.clone()),
        ("FromState", String::new()),
        ("SmsStatus", "received".into()),
        ("FromCity", String::new()),
        ("Body", message.body.clone()),
        ("FromCountry", country(from)),
        ("To", message.to.clone()),
        ("ToZip", String::new()),
        ("NumSegments", message.parts.to_string()),
        ("MessageSid", message.sid.clone()),
        ("AccountSid", message.account_sid.clone()),
        ("From", from.to_owned()),
        ("ApiVersion", "2010-04-01".into()),
    ];
    if let Some(service) = &message.service_sid {
        params.push(("MessagingServiceSid", service.clone()));
    }
    if from != without_channel(from) {
        params.push(("WaId", without_channel(from).trim_start_matches('+').to_owned()));
        params.push(("ProfileName", "Handset".into()));
        params.push(("MessageType", "text".into()));
    }
    params
}
