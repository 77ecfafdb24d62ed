//! What needs somebody's attention: each line says what is the matter, and leads to where it is mended. What is stopped stands at the
//! head of every page already.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::connections::{Connection, Status, webhooks};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::throttle::figures::QueueFigures;
use crate::senders::{self, Sender};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::filters::grouped;

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

/// Collects the lines, the gravest first.
pub(super) async fn load(
    conn: &mut Conn,
    connections: &[Connection],
    senders: &[Sender],
    queues: &HashMap<SenderId, QueueFigures>,
    now: DateTime<Utc>,
) -> Result<Vec<Attention>> {
    let mut lines: Vec<Attention> = senders.iter().filter_map(deaf).collect();
    for connection in connections.iter().filter(|connection| connection.status() == Status::Active) {
        let rejected = webhooks::count_since(conn, connection.id, now - RECENT).await?;
        if rejected > 0 {
            lines.push(Attention {
                text: match rejected {
                    1 => format!("A webhook of {} was rejected within the last day.", connection.name),
                    many => format!("{} webhooks of {} were rejected within the last day.", grouped(many), connection.name),
                },
                link: Some(format!("/connections/{}/rejected", connection.id)),
                action: "See why",
            });
        }
        lines.extend(unregistered(conn, connection.id).await?);
        if connection.is_trial() {
            lines.push(Attention {
                text: format!("{} is a trial account: Twilio sends to verified numbers only.", connection.name),
                link: Some(format!("/connections/{}", connection.id)),
                action: "See the connection",
            });
        }
    }
    for sender in senders {
        let expiring = queues.get(&sender.id).map_or(0, |queue| queue.expiring_messages);
        if expiring > 0 {
            lines.push(Attention {
                text: format!("About {} in the queue of {} would wait too long and expire.", messages(expiring), sender.label()),
                link: Some(format!("/connections/{}", sender.connection_id)),
                action: "See the queue",
            });
        }
    }
    Ok(lines)
}

/// A sender whose incoming messages are not reported, so that no STOP would be seen.
fn deaf(sender: &Sender) -> Option<Attention> {
    let hears = sender.webhook_error.is_none() && sender.webhook_url.is_some();
    (sender.status() == Status::Active && !hears).then(|| Attention {
        text: format!("Incoming messages of {} are not reported here: a STOP is found late.", sender.label()),
        link: Some(format!("/connections/{}", sender.connection_id)),
        action: "Repair webhook",
    })
}

/// Senders whose messages carriers in the United States filter, because nobody has registered them.
async fn unregistered(conn: &mut Conn, connection: ConnectionId) -> Result<Vec<Attention>> {
    let healths = senders::healths(conn, connection).await?;
    let registrations = healths.into_values().flat_map(|health| health.registrations);
    let mut lines: Vec<Attention> = registrations
        .filter_map(|registration| registration.concern())
        .map(|text| Attention { text, link: Some(format!("/connections/{connection}/health")), action: "See what to do" })
        .collect();
    lines.sort_by(|one, other| one.text.cmp(&other.text));
    Ok(lines)
}

fn messages(count: i64) -> String {
    if count == 1 { "one message".to_owned() } else { format!("{} messages", grouped(count)) }
}

/// Three lines.
pub(super) fn samples() -> Vec<Attention> {
    let line = |text: &str| Attention::with_link(text.to_owned(), "/connections/1".to_owned(), "See why");
    let alone = Attention::without_link("3 jobs have failed. Ask an admin to look at it: Ada <1>.".to_owned());
    vec![line("3 webhooks of Shop <1> were rejected within a day."), line("About 1,200 messages would expire."), alone]
}
