//! Inbound messages: keywords as Twilio handles them, then the webhook of the number or service.

use serde::Serialize;

use super::message::{Direction, Message, Status, bare, new_sid};
use super::opt_outs::Changed;
use super::parts;
use super::resources::{Number, NumberKind};
use super::shared_state::Shared;
use super::webhook_client::Call;
use super::world::World;

/// The result of a message from a handset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// The SID of the inbound message.
    pub sid: String,
    /// The HTTP status of the webhook's response; `None` without a response or a webhook.
    pub webhook_status: Option<u16>,
    /// The result of the webhook call in words.
    pub webhook: String,
}

/// Why a message from a handset cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No account owns the number.
    #[error("{0} is not a number of this simulator; its first page lists the numbers")]
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

/// The keywords that Twilio acts on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    Stop,
    Start,
    Yes,
    Help,
}

impl Keyword {
    /// The keyword that is the whole text, ignoring case: Twilio does not act on "STOP please".
    fn of(body: &str) -> Option<Self> {
        match body.trim().to_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE"
            | "OPTOUT" => Some(Self::Stop),
            "START" | "UNSTOP" => Some(Self::Start),
            "YES" => Some(Self::Yes),
            "HELP" | "INFO" => Some(Self::Help),
            _ => None,
        }
    }

    const fn opt_out_type(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Start | Self::Yes => "START",
            Self::Help => "HELP",
        }
    }
}

/// Records a message from a handset and applies its keyword; [`deliver`] calls the webhook.
pub(super) fn receive(
    shared: &Shared,
    from: &str,
    to: &str,
    body: &str,
) -> Result<usize, ReplyError> {
    let from = super::create_message::parse_to(from)
        .map_err(|_| ReplyError::BadHandset(from.to_owned()))?;
    let mut world = shared.world();
    let number =
        world.number(bare(to)).cloned().ok_or_else(|| ReplyError::UnknownNumber(to.to_owned()))?;
    if !number.capabilities.sms {
        return Err(ReplyError::NoSms(to.to_owned()));
    }
    let channel = if number.kind == NumberKind::WhatsApp { "whatsapp:" } else { "" };
    let service_sid = world.service_of(&number.phone_number).map(|service| service.sid.clone());
    let now = world.clock.now();
    let message = Message {
        sid: new_sid("SM"),
        account_sid: number.account_sid.clone(),
        direction: Direction::Inbound,
        from: Some(format!("{channel}{}", bare(&from))),
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
    };
    let index = world.log.push(message.clone());
    if number.kind != NumberKind::WhatsApp
        && let Some(keyword) = Keyword::of(body)
    {
        apply_keyword(&mut world, &number, &message, keyword);
    }
    Ok(index)
}

/// Calls the webhook for an inbound message; repeated calls are identical.
pub(super) async fn deliver(shared: &Shared, index: usize) -> Option<Reply> {
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
                for text in twiml_messages(&response.body) {
                    reply_to_handset(&mut shared.world(), index, &text, Direction::OutboundReply);
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
    Some(Reply { sid, webhook_status, webhook })
}

/// Updates the opt-outs and replies to the handset, as Twilio does for this kind of number.
fn apply_keyword(world: &mut World, number: &Number, message: &Message, keyword: Keyword) {
    let handset = message.handset();
    let toll_free = number.kind == NumberKind::TollFree;
    let service = message.service_sid.as_deref();
    if number.kind == NumberKind::ShortCode && service.is_none() {
        return;
    }
    let mut scopes: Vec<&str> = service.into_iter().collect();
    if toll_free || service.is_none() {
        scopes.push(&number.phone_number);
    }
    let changed = match keyword {
        Keyword::Stop => apply_to_scopes(&scopes, |scope| world.opt_outs.block(scope, handset)),
        Keyword::Yes | Keyword::Help if toll_free => Changed::No,
        Keyword::Start | Keyword::Yes => {
            // Also lifts a block from before the number joined the service.
            scopes.push(&number.phone_number);
            apply_to_scopes(&scopes, |scope| world.opt_outs.lift(scope, handset))
        }
        Keyword::Help => Changed::Yes,
    };
    if changed == Changed::No {
        return;
    }
    let (text, direction) = match (keyword, toll_free) {
        (Keyword::Stop, true) => (
            "NETWORK MSG: You replied with the word \"stop\" which blocks all texts sent from this \
             number. Text back \"unstop\" to receive messages again.",
            Direction::Network,
        ),
        (_, true) => (
            "NETWORK MSG: You have replied \"unstop\" and will begin receiving messages again from \
             this number.",
            Direction::Network,
        ),
        (Keyword::Stop, false) => (
            "You have successfully been unsubscribed. You will not receive any more messages from \
             this number. Reply START to resubscribe.",
            Direction::OutboundReply,
        ),
        (Keyword::Start | Keyword::Yes, false) => (
            "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
            Direction::OutboundReply,
        ),
        (Keyword::Help, false) => {
            ("Reply STOP to unsubscribe. Msg&Data Rates May Apply.", Direction::OutboundReply)
        }
    };
    if let Some(index) = world.log.find(&message.sid) {
        reply_to_handset(world, index, text, direction);
    }
}

/// Applies a change to each scope; the result is `Yes` if it changed any of them.
fn apply_to_scopes(scopes: &[&str], mut change: impl FnMut(&str) -> Changed) -> Changed {
    let mut changed = Changed::No;
    for scope in scopes {
        if change(scope) == Changed::Yes {
            changed = Changed::Yes;
        }
    }
    changed
}

fn reply_to_handset(world: &mut World, index: usize, text: &str, direction: Direction) {
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
        ..inbound.clone()
    };
    world.log.push(reply);
}

fn webhook_call(world: &World, message: &Message) -> Option<Call> {
    let number = world.number(bare(&message.to))?;
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
        idempotency_token: new_sid(""),
        status: Status::Received.as_str(),
    })
}

fn inbound_params(message: &Message) -> Vec<(&'static str, String)> {
    let from = message.from.as_deref().unwrap_or_default();
    let country =
        |address: &str| if bare(address).starts_with("+1") { "US" } else { "" }.to_owned();
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
    if from != bare(from) {
        params.push(("WaId", bare(from).trim_start_matches('+').to_owned()));
        params.push(("ProfileName", "Handset".into()));
        params.push(("MessageType", "text".into()));
    }
    params
}

/// The messages in a `TwiML` response: `<Message>text</Message>`, with or without a nested
/// `<Body>`.
fn twiml_messages(twiml: &str) -> Vec<String> {
    let inside = |text: &str, tag: &str| -> Option<(String, usize)> {
        let open = text.find(&format!("<{tag}"))?;
        let start = open + text[open..].find('>')? + 1;
        let end = start + text[start..].find(&format!("</{tag}>"))?;
        Some((text[start..end].to_owned(), end))
    };
    let (mut rest, mut texts) = (twiml, Vec::new());
    while let Some((content, end)) = inside(rest, "Message") {
        rest = &rest[end..];
        let text = inside(&content, "Body").map_or(content, |(body, _)| body);
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'");
        texts.push(text.replace("&amp;", "&").trim().to_owned());
    }
    texts.retain(|text| !text.is_empty());
    texts
}

#[cfg(test)]
mod tests {
    use super::{Keyword, twiml_messages};

    #[test]
    fn twiml_messages_are_extracted() {
        assert_eq!(twiml_messages("<Response></Response>"), Vec::<String>::new());
        assert_eq!(twiml_messages("<Response><Message>a &amp; b</Message></Response>"), ["a & b"]);
        assert_eq!(
            twiml_messages(
                r#"<Response><Message to="x"><Body>hi</Body></Message><Message>b</Message></Response>"#
            ),
            ["hi", "b"]
        );
    }

    #[test]
    fn only_the_whole_text_is_a_keyword() {
        assert!(Keyword::of(" stop ").is_some_and(|keyword| keyword == Keyword::Stop));
        assert!(Keyword::of("STOP PLEASE").is_none());
        assert!(Keyword::of("stopp").is_none());
    }
}
