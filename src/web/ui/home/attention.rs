//! What needs the user on the home page: each line names a problem and links to where it is fixed.
//! Stopped connections are left out, since every page shows them at the top.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::Serialize;

use crate::connections::{self, Check, Connection, RepairPlace, Status, rejected_webhooks};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::throttle::queue_figures::QueueFigures;
use crate::senders::inbound_webhook::{InboundWebhook, WITHOUT_SECRET};
use crate::senders::{self, Health, Sender};
use crate::types::id::{ConnectionId, SenderId};
use crate::users::Role;
use crate::web::http::template_filters::sentence_case;
use crate::web::quantities::grouped;
use crate::web::{Viewer, Visit};

/// A problem in the list.
#[derive(Debug, Serialize)]
pub(super) struct Attention {
    icon: &'static str,
    /// The problem, in a few words.
    title: String,
    /// What follows from it, or what to do.
    detail: String,
    /// The page where it is fixed; none for users who have to ask an admin.
    link: Option<String>,
}

impl Attention {
    /// Creates a line; without a link, `detail` names the person to ask.
    pub(super) const fn new(
        icon: &'static str,
        title: String,
        detail: String,
        link: Option<String>,
    ) -> Self {
        Self { icon, title, detail, link }
    }
}

/// How long rejected webhooks stay in the list.
const REJECTION_SHOWN_FOR: TimeDelta = TimeDelta::days(1);

/// How long a failed webhook test stays in the list: on a server that cannot call itself, it never
/// passes.
const TEST_SHOWN_FOR: TimeDelta = TimeDelta::days(7);

/// Collects the problems, the most severe first.
pub(super) async fn load(
    conn: &mut Conn,
    visit: &Visit<Viewer>,
    connections: &[Connection],
    senders: &[Sender],
    queues: &HashMap<SenderId, QueueFigures>,
) -> Result<Vec<Attention>> {
    let now = visit.now();
    let active: Vec<&Connection> =
        connections.iter().filter(|connection| connection.status() == Status::Active).collect();
    let mut lines = Vec::new();
    // All connections share the address, so the page of any of them says what to do.
    lines.extend(
        address_problem(visit)
            .zip(active.first())
            .map(|(check, connection)| Attention::of(&check, connection.id, visit)),
    );
    for connection in &active {
        let health_by_sender = senders::health_by_sender(conn, connection.id).await?;
        let of_connection = senders.iter().filter(|sender| {
            sender.connection_id == connection.id && sender.status() == Status::Active
        });
        lines.extend(failed_checks(conn, visit, connection).await?);
        lines.extend(
            of_connection.flat_map(|sender| {
                sender_problems(sender, health_by_sender.get(&sender.id), visit)
            }),
        );
        let rejected =
            rejected_webhooks::count_since(conn, Some(connection.id), now - REJECTION_SHOWN_FOR)
                .await?;
        if rejected > 0 {
            let title = match rejected {
                1 => format!("Carillon rejected a webhook of {}", connection.name),
                many => {
                    format!("Carillon rejected {} webhooks of {}", grouped(many), connection.name)
                }
            };
            let detail = "Within the last day. Replies and reports may be missing.".to_owned();
            let link = format!("/connections/{}/rejected", connection.id);
            lines.push(Attention::new("webhook", title, detail, Some(link)));
        }
        lines.extend(unregistered(connection.id, health_by_sender));
        if connection.is_trial() {
            lines.push(Attention::new(
                "plug",
                format!("{} is a trial account", connection.name),
                "Twilio sends to verified numbers only.".to_owned(),
                Some(format!("/connections/{}", connection.id)),
            ));
        }
    }
    let without_connection =
        rejected_webhooks::count_since(conn, None, now - REJECTION_SHOWN_FOR).await?;
    if without_connection > 0 {
        let title = match without_connection {
            1 => "A webhook names no connection".to_owned(),
            many => format!("{} webhooks name no connection", grouped(many)),
        };
        let detail = "Carillon rejected what came within the last day.".to_owned();
        let link = "/connections/rejected".to_owned();
        lines.push(Attention::new("webhook", title, detail, Some(link)));
    }
    for sender in senders {
        let expiring = queues.get(&sender.id).map_or(0, |queue| queue.expiring_messages);
        if expiring > 0 {
            lines.push(Attention::new(
                "timer",
                format!("About {} will wait too long and expire", messages(expiring)),
                format!("Raise the rate of {}, or let its messages wait longer.", sender.label()),
                Some(format!("/connections/{}", sender.connection_id)),
            ));
        }
    }
    Ok(lines)
}

impl Attention {
    /// Creates the line of a failed check, with a link to where it is fixed.
    fn of(check: &Check, connection: ConnectionId, visit: &Visit<Viewer>) -> Self {
        let (page, icon) = match check.repair_place {
            Some(RepairPlace::Keys) if visit.user.role == Role::Admin => ("/keys", "key-round"),
            Some(RepairPlace::Test) => ("/health#webhook-test", "webhook"),
            Some(RepairPlace::Webhook) => ("/health", "webhook"),
            Some(RepairPlace::Keys) => ("/health", "key-round"),
            None => ("/health", "plug"),
        };
        let link = format!("/connections/{connection}{page}");
        Self::new(icon, check.title.clone(), check.detail.clone(), Some(link))
    }
}

/// The reason why Twilio cannot call this installation at all.
fn address_problem(visit: &Visit<Viewer>) -> Option<Check> {
    connections::check_public_url(&visit.context.twilio, &visit.context.config.public_url)
        .filter(Check::has_failed)
}

/// The failed checks of keys and account at Twilio, and of the last recent webhook test.
async fn failed_checks(
    conn: &mut Conn,
    visit: &Visit<Viewer>,
    connection: &Connection,
) -> Result<Vec<Attention>> {
    let (last_check, test) = connections::last_check(conn, connection.id).await?;
    let recent_test = test.filter(|test| visit.now() - test.tested_at <= TEST_SHOWN_FOR);
    let checks = last_check
        .map(|check| check.checks)
        .unwrap_or_default()
        .into_iter()
        .chain(recent_test.map(|test| test.check));
    let of_connection =
        |check: Check| Check { title: format!("{}, {}", connection.name, check.title), ..check };
    Ok(checks
        .filter(Check::has_failed)
        .map(|check| Attention::of(&of_connection(check), connection.id, visit))
        .collect())
}

/// The problems of a sender that keep it from sending, or keep a STOP from being received.
fn sender_problems(
    sender: &Sender,
    health: Option<&Health>,
    visit: &Visit<Viewer>,
) -> Vec<Attention> {
    let failed = health
        .map(|health| &health.checks)
        .into_iter()
        .flatten()
        .filter(|check| check.has_failed());
    let (webhook, others): (Vec<&Check>, Vec<&Check>) =
        failed.partition(|check| check.repair_place == Some(RepairPlace::Webhook));
    // An unreachable public address already has its own line.
    let is_set_in_vain = health
        .and_then(|health| health.webhook.as_ref())
        .is_some_and(InboundWebhook::is_set_but_unreachable);
    let is_about_webhook = !(is_set_in_vain && address_problem(visit).is_some())
        && (!webhook.is_empty() || others.is_empty());
    let has_no_inbound_webhook = has_no_inbound_webhook(sender).filter(|_| is_about_webhook);
    has_no_inbound_webhook
        .into_iter()
        .chain(others.into_iter().map(|check| Attention::of(check, sender.connection_id, visit)))
        .collect()
}

/// The line of a sender whose incoming messages are not reported, so that a STOP is not received at
/// once.
fn has_no_inbound_webhook(sender: &Sender) -> Option<Attention> {
    let has_webhook = sender.webhook_error.is_none() && sender.webhook_url.is_some();
    let lacks_secret =
        sender.webhook_error.as_deref().is_some_and(|error| error.starts_with(WITHOUT_SECRET));
    let (title, detail) = if lacks_secret {
        (
            format!("The webhook of {} lacks its secret", sender.label()),
            "Carillon takes only a STOP at once. Repair the webhook.",
        )
    } else {
        (
            format!("Replies to {} come late", sender.label()),
            "Twilio reports them elsewhere, a STOP too. Repair the webhook.",
        )
    };
    let link = format!("/connections/{}/health", sender.connection_id);
    (!has_webhook).then(|| Attention::new("webhook", title, detail.to_owned(), Some(link)))
}

/// Lines about senders whose messages US carriers filter, because they are not registered.
fn unregistered(
    connection: ConnectionId,
    health_by_sender: HashMap<SenderId, Health>,
) -> Vec<Attention> {
    let registrations = health_by_sender.into_values().flat_map(|health| health.registrations);
    let mut lines: Vec<Attention> = registrations
        .filter_map(|registration| registration.concern())
        .map(|concern| {
            let (title, detail) = concern.split_once(": ").unwrap_or((concern.as_str(), ""));
            let link = format!("/connections/{connection}/health");
            Attention::new("shield", title.to_owned(), sentence_case(detail), Some(link))
        })
        .collect();
    lines.sort_by(|left, right| left.title.cmp(&right.title));
    lines
}

fn messages(count: i64) -> String {
    if count == 1 { "one message".to_owned() } else { format!("{} messages", grouped(count)) }
}

#[cfg(debug_assertions)]
#[path = "samples/attention.rs"]
mod samples;
