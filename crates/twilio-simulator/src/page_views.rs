//! The views of the phone pages, built from the state.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::fault_switches::{GROUPS, Group, SwitchedOn, describe};
use super::message::{Direction, Message, Status, without_channel};
use super::resources::{AccountStatus, NumberKind};
use super::world::World;

/// The maximum number of messages on a phone, and of phones in the list.
const MAX_SHOWN: usize = 200;

/// The view of the home page: all phones.
#[derive(Serialize)]
pub(super) struct IndexPage {
    pub(super) phones: Phones,
    pub(super) network: NetworkPanel,
    pub(super) account_sid: String,
    pub(super) auth_token: String,
    pub(super) senders: Vec<NumberRow>,
    pub(super) services: Vec<ServiceRow>,
    pub(super) problem: Option<String>,
}

/// The phones with messages, newest first.
#[derive(Serialize)]
pub(super) struct Phones {
    pub(super) version: u64,
    pub(super) rows: Vec<PhoneRow>,
    pub(super) hidden_count: usize,
}

/// A phone in the list.
#[derive(Serialize)]
pub(super) struct PhoneRow {
    number: String,
    display_number: String,
    preview: String,
    from_handset: bool,
    timestamp: String,
    time: String,
    status: &'static str,
    failed: bool,
    opted_out: bool,
}

/// The view of the page of one phone.
#[derive(Serialize)]
pub(super) struct PhonePage {
    pub(super) number: String,
    pub(super) display_number: String,
    pub(super) thread: Thread,
    pub(super) senders: Vec<NumberRow>,
    pub(super) network: NetworkPanel,
    pub(super) problem: Option<String>,
    pub(super) draft: String,
}

/// The messages of a phone.
#[derive(Serialize)]
pub(super) struct Thread {
    pub(super) version: u64,
    bubbles: Vec<Bubble>,
    earlier_count: usize,
    opted_out: Vec<String>,
}

/// A message on the page of a phone, with its status at Twilio.
#[derive(Serialize)]
struct Bubble {
    sid: String,
    /// `out` from this handset, `in` to it, `network` for automatic replies.
    side: &'static str,
    /// Whether the handset has the message; false in transit and after a failure.
    arrived: bool,
    /// The number, or the service, at the other end.
    counterpart: String,
    body: String,
    media: Vec<String>,
    timestamp: String,
    time: String,
    status: &'static str,
    /// The style of the status: `waiting`, `sent`, `done` or `trouble`.
    status_style: &'static str,
    note: Option<String>,
}

/// A number of the account, on the home page and as the recipient of a reply.
#[derive(Serialize)]
pub(super) struct NumberRow {
    number: String,
    display_number: String,
    name: String,
    selected: bool,
    webhook: bool,
    can_text: bool,
}

/// A Messaging Service on the home page.
#[derive(Serialize)]
pub(super) struct ServiceRow {
    sid: String,
    name: String,
    count: usize,
}

/// The fault switches and the enabled rules.
#[derive(Serialize)]
pub(super) struct NetworkPanel {
    groups: &'static [Group],
    enabled: Vec<SwitchedOn>,
    /// The phone that the switches affect; empty for all phones.
    handset: String,
}

pub(super) fn index(world: &World, problem: Option<String>) -> IndexPage {
    let account = world.accounts.iter().find(|account| account.status == AccountStatus::Active);
    let account_sid = account.map(|account| account.sid.clone()).unwrap_or_default();
    let services = world
        .services
        .iter()
        .filter(|service| service.account_sid == account_sid && !service.numbers.is_empty())
        .map(|service| ServiceRow {
            sid: service.sid.clone(),
            name: service.friendly_name.clone(),
            count: service.numbers.len(),
        })
        .collect();
    IndexPage {
        phones: phones(world),
        network: network(world, ""),
        auth_token: account.map(|account| account.auth_token.clone()).unwrap_or_default(),
        senders: senders(world, &account_sid, ""),
        services,
        account_sid,
        problem,
    }
}

pub(super) fn phones(world: &World) -> Phones {
    let latest = world.log.latest_handsets(MAX_SHOWN);
    let hidden_count = world.log.handset_count().saturating_sub(latest.len());
    let rows = latest
        .into_iter()
        .map(|(number, message)| PhoneRow {
            number: number.to_owned(),
            display_number: format_number(number),
            preview: message.body.chars().take(120).collect(),
            from_handset: message.direction == Direction::Inbound,
            timestamp: message.updated.to_rfc3339(),
            time: clock_time(message.updated),
            status: message.status.as_str(),
            failed: status_style(message.status) == "trouble",
            opted_out: message
                .service_sid
                .as_deref()
                .into_iter()
                .chain(message.from.as_deref())
                .chain(Some(&*message.to))
                .any(|scope| world.opt_outs.contains(scope, number)),
        })
        .collect();
    Phones { version: world.log.version(), rows, hidden_count }
}

pub(super) fn phone(
    world: &World,
    number: &str,
    problem: Option<String>,
    draft: &str,
    chosen: &str,
) -> PhonePage {
    let last_sender = world.log.of_handset(number).next_back().map(|message| {
        without_channel(if message.direction == Direction::Inbound {
            &message.to
        } else {
            message.from.as_deref().unwrap_or_default()
        })
    });
    let selected = if chosen.is_empty() { last_sender.unwrap_or_default() } else { chosen };
    let account_sid = world
        .number(selected)
        .map(|number| number.account_sid.clone())
        .or_else(|| world.accounts.first().map(|account| account.sid.clone()))
        .unwrap_or_default();
    PhonePage {
        number: number.to_owned(),
        display_number: format_number(number),
        thread: thread(world, number),
        senders: senders(world, &account_sid, selected)
            .into_iter()
            .filter(|sender| sender.can_text)
            .collect(),
        network: network(world, number),
        problem,
        draft: draft.to_owned(),
    }
}

pub(super) fn thread(world: &World, number: &str) -> Thread {
    let total = world.log.indexes_of_handset(number).len();
    let earlier_count = total.saturating_sub(MAX_SHOWN);
    let opted_out = world.opt_outs.list().into_iter().filter(|opt_out| opt_out.handset == number);
    Thread {
        version: world.log.version_of_handset(number),
        bubbles: world.log.of_handset(number).skip(earlier_count).map(bubble).collect(),
        earlier_count,
        opted_out: opted_out
            .map(|opt_out| match world.service(&opt_out.scope) {
                Some(service) => service.friendly_name.clone(),
                None => format_number(&opt_out.scope),
            })
            .collect(),
    }
}

fn bubble(message: &Message) -> Bubble {
    let from_here = message.direction == Direction::Inbound;
    let address = if from_here { Some(&*message.to) } else { message.from.as_deref() };
    let counterpart = match (address, message.service_sid.as_deref()) {
        (Some(address), _) if address != without_channel(address) => {
            format!("{} on WhatsApp", format_number(without_channel(address)))
        }
        (Some(address), _) => format_number(address),
        (None, Some(service)) => service.to_owned(),
        (None, None) => String::new(),
    };
    let arrived = from_here
        || matches!(message.status, Status::Sent | Status::Delivered | Status::Read)
        || message.direction != Direction::OutboundApi;
    Bubble {
        sid: message.sid.clone(),
        side: match message.direction {
            Direction::Inbound => "out",
            Direction::OutboundApi => "in",
            Direction::OutboundReply | Direction::Network => "network",
        },
        arrived,
        counterpart,
        body: message.body.clone(),
        media: message.media.clone(),
        timestamp: message.created.to_rfc3339(),
        time: clock_time(message.created),
        status: message.status.as_str(),
        status_style: status_style(message.status),
        note: message.webhook.clone().or_else(|| {
            message
                .error_code
                .map(|code| format!("{code}: {}", lowercase_first(super::refusal::meaning(code))))
        }),
    }
}

const fn status_style(status: Status) -> &'static str {
    match status {
        Status::Accepted | Status::Scheduled | Status::Queued | Status::Sending => "waiting",
        Status::Sent => "sent",
        Status::Delivered | Status::Read | Status::Received => "done",
        Status::Undelivered | Status::Failed | Status::Canceled => "trouble",
    }
}

fn senders(world: &World, account_sid: &str, selected: &str) -> Vec<NumberRow> {
    world
        .numbers
        .iter()
        .filter(|number| number.account_sid == account_sid)
        .map(|number| {
            let service = world.service_of(&number.phone_number);
            let webhook = match service {
                Some(service) if !service.use_inbound_webhook_on_number => {
                    service.inbound_request_url.is_some()
                }
                _ => number.sms_url.is_some() && number.sms_application_sid.is_none(),
            };
            let name = match number.kind {
                NumberKind::WhatsApp => {
                    format!("{}, as whatsapp:{}", number.friendly_name, number.phone_number)
                }
                _ => number.friendly_name.clone(),
            };
            NumberRow {
                number: number.phone_number.clone(),
                display_number: format_number(&number.phone_number),
                name,
                selected: number.phone_number == selected,
                webhook,
                can_text: number.capabilities.sms,
            }
        })
        .collect()
}

fn network(world: &World, handset: &str) -> NetworkPanel {
    let enabled = world
        .faults
        .active()
        .filter(|(_, rule)| rule.handset.as_deref().is_none_or(|number| number == handset))
        .map(|(id, rule)| describe(id, rule))
        .collect();
    NetworkPanel { groups: GROUPS, enabled, handset: handset.to_owned() }
}

/// Formats a number for display: `+12065550111` becomes `+1 206 555 0111`.
pub(super) fn format_number(number: &str) -> String {
    match number.strip_prefix("+1") {
        Some(digits) if digits.len() == 10 => {
            format!("+1 {} {} {}", &digits[..3], &digits[3..6], &digits[6..])
        }
        _ => number.to_owned(),
    }
}

fn clock_time(time: DateTime<Utc>) -> String {
    time.format("%H:%M UTC").to_string()
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
