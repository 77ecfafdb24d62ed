//! Looking at everything that a connection needs, at Twilio: HTTP only; [`record`] then takes over what was found.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inbound::{self, Route};
use super::registration::{self, Registration};
use super::webhook::Webhook;
use super::{Sender, record_inbound, refresh};
use crate::connections::{self, Check, Keys, Outcome, Problem, SenderAddress, VerifiedAccount, VerifiedSender};
use crate::db::Conn;
use crate::db::schema::senders;
use crate::error::{Error, Result};
use crate::twilio::services::ServiceNumber;
use crate::twilio::{Client, Credentials};
use crate::types::id::{ConnectionId, SenderId};
use crate::types::public_url::PublicUrl;

/// What Twilio said about a sender when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When that was.
    pub checked_at: DateTime<Utc>,
    /// Twilio's word for the kind of number: `local`, `toll-free` …; none for a Messaging Service.
    pub number_type: Option<String>,
    /// Where incoming messages go.
    pub webhook: Webhook,
    /// What has to be registered, and how far that has come; empty where nothing has to be.
    pub registrations: Vec<Registration>,
    /// The numbers of a Messaging Service, as people read them.
    pub pool: Vec<String>,
}

/// What was found about a connection.
#[derive(Debug)]
pub struct Inspection {
    /// The account, or why it cannot be used.
    pub account: std::result::Result<VerifiedAccount, Problem>,
    /// Everything in lines, for people.
    pub checks: Vec<Check>,
    /// Where incoming messages have to be reported.
    url: String,
    senders: Vec<Seen>,
}

/// What Twilio says about one sender.
#[derive(Debug)]
struct Seen {
    sender: Sender,
    found: std::result::Result<VerifiedSender, Problem>,
    health: std::result::Result<Health, Problem>,
}

/// Senders that are asked about at the same time.
const AT_ONCE: usize = 4;

/// A pool can have thousands of numbers; so many of them are named.
const MOST_NAMED: usize = 50;

/// Asks Twilio about the keys, and about each of the connection's senders.
pub async fn inspect(
    client: &Client,
    keys: &Keys,
    id: ConnectionId,
    senders: Vec<Sender>,
    public_url: &PublicUrl,
    now: DateTime<Utc>,
) -> Inspection {
    let url = inbound::url(public_url, id);
    let account = connections::verify_account(client, keys).await;
    let mut checks = connections::account_checks(keys, &account);
    checks.extend(connections::public_url_warning(client, public_url));
    if account.is_err() {
        return Inspection { account, checks, url, senders: Vec::new() };
    }
    let credentials = keys.credentials();
    let looks: Vec<BoxFuture<'_, Seen>> = senders.into_iter().map(|sender| see(client, &credentials, sender, &url, now).boxed()).collect();
    let senders: Vec<Seen> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    for seen in &senders {
        checks.extend(seen.checks());
    }
    Inspection { account, checks, url, senders }
}

/// Takes over what was found about the senders, and keeps the lines with the connection.
pub async fn record(conn: &mut Conn, id: ConnectionId, inspection: &Inspection, now: DateTime<Utc>) -> Result<()> {
    for seen in &inspection.senders {
        if let Ok(found) = &seen.found {
            refresh(conn, seen.sender.id, found).await?;
        }
        if let Ok(health) = &seen.health {
            record_health(conn, seen.sender.id, health, &inspection.url).await?;
        }
    }
    connections::record_checks(conn, id, &inspection.checks, now).await
}

/// What Twilio last said about the senders of a connection; those that were never looked at are missing.
pub async fn healths(conn: &mut Conn, id: ConnectionId) -> Result<HashMap<SenderId, Health>> {
    let rows: Vec<(SenderId, Option<Value>)> =
        senders::table.filter(senders::connection_id.eq(id)).select((senders::id, senders::health)).load(conn).await?;
    // What another version has left and cannot be read is looked at anew.
    let read = |(id, health): (SenderId, Option<Value>)| Some((id, serde_json::from_value(health?).ok()?));
    Ok(rows.into_iter().filter_map(read).collect())
}

async fn record_health(conn: &mut Conn, id: SenderId, health: &Health, url: &str) -> Result<()> {
    let json = serde_json::to_value(health).map_err(|error| Error::Internal(error.to_string()))?;
    diesel::update(senders::table.find(id)).set(senders::health.eq(json)).execute(conn).await?;
    let deaf = health.webhook.why_not_heard();
    let outcome = deaf.as_deref().map_or(Ok(url), Err);
    record_inbound(conn, id, outcome).await.map(drop)
}

async fn see(client: &Client, credentials: &Credentials, sender: Sender, url: &str, now: DateTime<Utc>) -> Seen {
    let found = connections::find_sender(client, credentials, &sender.address).await;
    let health = match inbound::route(client, credentials, &sender.address).await {
        Ok(route) => health(client, credentials, &sender.address, &route, url, now).await,
        Err(problem) => Err(problem),
    };
    Seen { sender, found, health }
}

/// Reads what else belongs to the picture.
async fn health(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    route: &Route,
    url: &str,
    now: DateTime<Utc>,
) -> std::result::Result<Health, Problem> {
    let problem = |error| Problem::of(error, credentials);
    let webhook = Webhook::compare(route, url);
    let mut health = Health { checked_at: now, number_type: None, webhook, registrations: Vec::new(), pool: Vec::new() };
    match (address, route) {
        (SenderAddress::MessagingService(sid), Route::Service(service)) => {
            let pool = client.service_numbers(credentials, sid).await.map_err(problem)?;
            health.registrations = registration::of_service(client, credentials, service, &pool).await;
            health.pool = named(&pool);
        }
        (_, Route::Number { number, service }) => {
            health.number_type.clone_from(&number.kind);
            health.registrations = registration::of_number(client, credentials, number, service.as_ref()).await;
        }
        (SenderAddress::PhoneNumber(phone), route) => {
            if let Some(number) = client.find_number(credentials, phone).await.map_err(problem)? {
                health.registrations = registration::of_number(client, credentials, &number, route.service()).await;
                health.number_type = number.kind;
            }
        }
        (SenderAddress::MessagingService(_), Route::ServiceOfNumber(_)) => {}
    }
    Ok(health)
}

fn named(pool: &[ServiceNumber]) -> Vec<String> {
    pool.iter().take(MOST_NAMED).map(|number| number.phone_number.international()).collect()
}

impl Seen {
    fn checks(&self) -> Vec<Check> {
        let label = self.sender.label();
        let found = match &self.found {
            Ok(found) => found,
            Err(problem) => return vec![Check::problem(format!("Sender {label}"), problem)],
        };
        let mut checks = vec![sender_check(&self.sender, &label, found)];
        match &self.health {
            Ok(health) => {
                checks.push(health.webhook.check(&label));
                checks.extend(health.registrations.iter().map(Registration::check));
            }
            Err(problem) => checks.push(Check::problem(format!("Incoming messages of {label}"), problem)),
        }
        checks
    }
}

impl Inspection {
    /// Whether nothing has failed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Failed)
    }
}

fn sender_check(sender: &Sender, label: &str, found: &VerifiedSender) -> Check {
    let title = format!("Sender {label}");
    if let Some(reason) = &sender.stopped_reason {
        return Check::failed(title, format!("Carillon has stopped it: {reason}"), "When the cause is removed in Twilio, enable it again.");
    }
    let detail = match (sender.disabled_at, found.mms_capable) {
        (Some(_), _) => "It is in the account, and disabled here.",
        (None, true) => "It is in the account, and can send SMS and MMS.",
        (None, false) => "It is in the account, and can send SMS but no MMS.",
    };
    Check::passed(title, detail)
}
