//! What needs somebody's attention: each line says what is the matter, and leads to where it is
//! mended. What is stopped stands at the head of every page already.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::Serialize;

use crate::connections::{self, Check, Connection, Mend, Status, webhooks};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::throttle::figures::QueueFigures;
use crate::senders::webhook::{WITHOUT_SECRET, Webhook};
use crate::senders::{self, Health, Sender};
use crate::types::id::{ConnectionId, SenderId};
use crate::users::Role;
use crate::web::http::filters::grouped;
use crate::web::{Viewer, Visit};

/// A line of the list.
#[derive(Debug, Serialize)]
pub(super) struct Attention {
    text: String,
    /// Where it is mended, and what the link says; none for those who have to ask somebody else.
    link: Option<String>,
    action: &'static str,
}

impl Attention {
    /// A line with the way to where it is mended.
    pub(super) const fn with_link(text: String, link: String, action: &'static str) -> Self {
        Self { text, link: Some(link), action }
    }

    /// A line that says whom to ask.
    pub(super) const fn without_link(text: String) -> Self {
        Self { text, link: None, action: "" }
    }
}

/// Rejected webhooks are worth a line for so long.
const RECENT: TimeDelta = TimeDelta::days(1);

/// A test that failed is worth a line for so long: where a server cannot call itself, nobody can
/// make it pass.
const TESTED_LATELY: TimeDelta = TimeDelta::days(7);

/// Collects the lines, the gravest first.
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
    // The address is the same for all; the page of any connection says what to do.
    lines.extend(
        bad_address(visit)
            .zip(active.first())
            .map(|(check, connection)| Attention::of(&check, connection.id, visit)),
    );
    for connection in &active {
        let healths = senders::healths(conn, connection.id).await?;
        let own = senders.iter().filter(|sender| {
            sender.connection_id == connection.id && sender.status() == Status::Active
        });
        lines.extend(broken(conn, visit, connection).await?);
        lines.extend(own.flat_map(|sender| unwell(sender, healths.get(&sender.id), visit)));
        let rejected = webhooks::count_since(conn, Some(connection.id), now - RECENT).await?;
        if rejected > 0 {
            lines.push(Attention {
                text: match rejected {
                    1 => format!(
                        "A webhook of {} was rejected within the last day.",
                        connection.name
                    ),
                    many => format!(
                        "{} webhooks of {} were rejected within the last day.",
                        grouped(many),
                        connection.name
                    ),
                },
                link: Some(format!("/connections/{}/rejected", connection.id)),
                action: "See why",
            });
        }
        lines.extend(unregistered(connection.id, healths));
        if connection.is_trial() {
            lines.push(Attention {
                text: format!(
                    "{} is a trial account: Twilio sends to verified numbers only.",
                    connection.name
                ),
                link: Some(format!("/connections/{}", connection.id)),
                action: "See the connection",
            });
        }
    }
    let strays = webhooks::count_since(conn, None, now - RECENT).await?;
    if strays > 0 {
        let text = match strays {
            1 => "A webhook was rejected within the last day, since it names no connection."
                .to_owned(),
            many => format!(
                "{} webhooks were rejected within the last day, since they name no connection.",
                grouped(many)
            ),
        };
        lines.push(Attention::with_link(text, "/connections/rejected".to_owned(), "See why"));
    }
    for sender in senders {
        let expiring = queues.get(&sender.id).map_or(0, |queue| queue.expiring_messages);
        if expiring > 0 {
            lines.push(Attention {
                text: format!(
                    "About {} in the queue of {} would wait too long and expire.",
                    messages(expiring),
                    sender.label()
                ),
                link: Some(format!("/connections/{}", sender.connection_id)),
                action: "See the queue",
            });
        }
    }
    Ok(lines)
}

impl Attention {
    /// What does not work about a connection, with the way to where it is mended.
    fn of(check: &Check, connection: ConnectionId, visit: &Visit<Viewer>) -> Self {
        let (page, action) = match check.mend {
            Some(Mend::Keys) if visit.user.role == Role::Admin => ("/keys", "Replace the keys"),
            Some(Mend::Test) => ("/health#webhook-test", "See what to change"),
            Some(Mend::Webhook) => ("/health", "Repair webhook"),
            Some(Mend::Keys) | None => ("/health", "See what to do"),
        };
        Self {
            text: format!("{}: {}", check.title, check.detail),
            link: Some(format!("/connections/{connection}{page}")),
            action,
        }
    }
}

/// Why Twilio cannot call this Carillon at all.
fn bad_address(visit: &Visit<Viewer>) -> Option<Check> {
    connections::address_check(&visit.context.twilio, &visit.context.config.public_url)
        .filter(Check::has_failed)
}

/// What the last look at Twilio found wrong with keys and account, and what the last test of the
/// webhooks did.
async fn broken(
    conn: &mut Conn,
    visit: &Visit<Viewer>,
    connection: &Connection,
) -> Result<Vec<Attention>> {
    let (look, test) = connections::look(conn, connection.id).await?;
    let lately = test.filter(|test| visit.now() - test.tested_at <= TESTED_LATELY);
    let checks = look
        .map(|look| look.checks)
        .unwrap_or_default()
        .into_iter()
        .chain(lately.map(|test| test.check));
    let of_connection =
        |check: Check| Check { title: format!("{}, {}", connection.name, check.title), ..check };
    Ok(checks
        .filter(Check::has_failed)
        .map(|check| Attention::of(&of_connection(check), connection.id, visit))
        .collect())
}

/// What is wrong with a sender as it was last seen, so that it cannot send or no STOP would be
/// seen.
fn unwell(sender: &Sender, health: Option<&Health>, visit: &Visit<Viewer>) -> Vec<Attention> {
    let failed = health
        .map(|health| &health.checks)
        .into_iter()
        .flatten()
        .filter(|check| check.has_failed());
    let (webhook, others): (Vec<&Check>, Vec<&Check>) =
        failed.partition(|check| check.mend == Some(Mend::Webhook));
    // The address has a line of its own while it is at fault.
    let is_set_in_vain =
        health.and_then(|health| health.webhook.as_ref()).is_some_and(Webhook::is_set_in_vain);
    let is_about_webhook = !(is_set_in_vain && bad_address(visit).is_some())
        && (!webhook.is_empty() || others.is_empty());
    let has_no_inbound_webhook = has_no_inbound_webhook(sender).filter(|_| is_about_webhook);
    has_no_inbound_webhook
        .into_iter()
        .chain(others.into_iter().map(|check| Attention::of(check, sender.connection_id, visit)))
        .collect()
}

/// A sender whose incoming messages are not reported, so that no STOP would be seen.
fn has_no_inbound_webhook(sender: &Sender) -> Option<Attention> {
    let hears = sender.webhook_error.is_none() && sender.webhook_url.is_some();
    let lacks_secret =
        sender.webhook_error.as_deref().is_some_and(|error| error.starts_with(WITHOUT_SECRET));
    (!hears).then(|| Attention {
        text: if lacks_secret {
            format!(
                "Twilio calls an address of {} that lacks its secret: only a STOP is taken at \
                 once.",
                sender.label()
            )
        } else {
            format!(
                "Incoming messages of {} are not reported here: a STOP is found late.",
                sender.label()
            )
        },
        link: Some(format!("/connections/{}/health", sender.connection_id)),
        action: "Repair webhook",
    })
}

/// Senders whose messages carriers in the United States filter, because nobody has registered them.
fn unregistered(connection: ConnectionId, healths: HashMap<SenderId, Health>) -> Vec<Attention> {
    let registrations = healths.into_values().flat_map(|health| health.registrations);
    let mut lines: Vec<Attention> = registrations
        .filter_map(|registration| registration.concern())
        .map(|text| Attention {
            text,
            link: Some(format!("/connections/{connection}/health")),
            action: "See what to do",
        })
        .collect();
    lines.sort_by(|one, other| one.text.cmp(&other.text));
    lines
}

fn messages(count: i64) -> String {
    if count == 1 { "one message".to_owned() } else { format!("{} messages", grouped(count)) }
}

#[cfg(debug_assertions)]
#[path = "samples/attention.rs"]
mod samples;
