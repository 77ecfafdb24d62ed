//! Looking at everything that a connection needs, at Twilio: HTTP only; [`record`] then takes over
//! what was found.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inbound::{self, Route};
use super::pools::Pools;
use super::registration::{self, Registration};
use super::sender::refresh;
use super::webhook::Webhook;
use super::{Sender, record_inbound};
use crate::connections::{
    self, Check, Keys, Problem, SenderAddress, VerifiedAccount, VerifiedSender,
};
use crate::db::Conn;
use crate::db::schema::senders;
use crate::error::{Error, Result};
use crate::twilio::{Client, Credentials};
use crate::types::id::{ConnectionId, SenderId};
use crate::types::public_url::PublicUrl;

/// What Twilio said about a sender when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When that look began.
    pub checked_at: DateTime<Utc>,
    /// Everything in lines, for people.
    pub checks: Vec<Check>,
    /// Twilio's word for the kind of number: `local`, `toll-free` …; none for a Messaging Service.
    pub number_type: Option<String>,
    /// Where incoming messages go; none where Twilio did not say.
    pub webhook: Option<Webhook>,
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
    /// What is said of keys and account, in lines for people.
    checks: Vec<Check>,
    /// What is said of the public address.
    address: Option<Check>,
    senders: Vec<InspectedSender>,
}

/// What Twilio says about one sender.
pub struct InspectedSender {
    id: SenderId,
    found: Option<VerifiedSender>,
    health: Health,
    /// Where incoming messages have to be reported.
    url: String,
}

impl std::fmt::Debug for InspectedSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen")
            .field("id", &self.id)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

/// Where a connection's incoming messages have to be reported.
struct Here {
    url: String,
    /// Whether Twilio can call it, as far as the address tells.
    is_reachable: bool,
}

impl Here {
    fn of(url: String, client: &Client, public_url: &PublicUrl) -> Self {
        let address = connections::address_check(client, public_url);
        Self { url, is_reachable: !address.is_some_and(|check| check.has_failed()) }
    }
}

/// Senders that are asked about at the same time.
const AT_ONCE: usize = 2;

/// A pool can have thousands of numbers; so many of them are named.
const MAX_NAMED: usize = 50;

/// Asks Twilio about the keys, and about each of the connection's senders, whose incoming messages
/// are to be reported at `inbound_url`.
pub async fn inspect(
    client: &Client,
    keys: &Keys,
    inbound_url: String,
    senders: Vec<Sender>,
    public_url: &PublicUrl,
    now: DateTime<Utc>,
) -> Inspection {
    let account = connections::verify_account(client, keys).await;
    let checks = connections::account_checks(keys, &account);
    let address = connections::address_check(client, public_url);
    if account.is_err() {
        return Inspection { account, checks, address, senders: Vec::new() };
    }
    let credentials = keys.credentials();
    let here = Here::of(inbound_url, client, public_url);
    let pools =
        Pools::read(client, &credentials).await.map_err(|error| Problem::of(error, &credentials));
    let looks: Vec<BoxFuture<'_, InspectedSender>> = senders
        .into_iter()
        .map(|sender| see(client, &credentials, sender, pools.as_ref(), &here, now).boxed())
        .collect();
    Inspection {
        account,
        checks,
        address,
        senders: stream::iter(looks).buffered(AT_ONCE).collect().await,
    }
}

/// Asks Twilio about one sender, whose incoming messages are to be reported at `inbound_url`.
pub async fn look_at(
    client: &Client,
    credentials: &Credentials,
    sender: Sender,
    inbound_url: String,
    public_url: &PublicUrl,
    now: DateTime<Utc>,
) -> InspectedSender {
    let here = Here::of(inbound_url, client, public_url);
    let pools = match &sender.address {
        SenderAddress::PhoneNumber(_) => {
            Pools::read(client, credentials).await.map_err(|error| Problem::of(error, credentials))
        }
        SenderAddress::MessagingService(_) => Ok(Pools::default()),
    };
    see(client, credentials, sender, pools.as_ref(), &here, now).await
}

/// Takes over what was found, and keeps it for everybody to see.
pub async fn record(
    conn: &mut Conn,
    id: ConnectionId,
    inspection: &Inspection,
    now: DateTime<Utc>,
) -> Result<()> {
    for seen in &inspection.senders {
        record_seen(conn, seen).await?;
    }
    if let Ok(account) = &inspection.account {
        connections::record_accepted(conn, id, account, now).await?;
    }
    connections::record_checks(conn, id, &inspection.checks, now).await
}

/// Takes over what was found about one sender, unless a look that began later has been recorded
/// meanwhile.
pub async fn record_seen(conn: &mut Conn, seen: &InspectedSender) -> Result<()> {
    let newest: Option<Value> = senders::table
        .find(seen.id)
        .select(senders::health)
        .for_no_key_update()
        .first(conn)
        .await?;
    let newest = newest.and_then(|health| serde_json::from_value::<Health>(health).ok());
    if newest.is_some_and(|newest| newest.checked_at > seen.health.checked_at) {
        return Ok(());
    }
    let json =
        serde_json::to_value(&seen.health).map_err(|error| Error::Internal(error.to_string()))?;
    diesel::update(senders::table.find(seen.id))
        .set(senders::health.eq(json))
        .execute(conn)
        .await?;
    if let Some(found) = &seen.found {
        refresh(conn, seen.id, found).await?;
    }
    if let Some(webhook) = &seen.health.webhook {
        let has_no_inbound_webhook = webhook.why_not_heard();
        record_inbound(conn, seen.id, has_no_inbound_webhook.as_deref().map_or(Ok(&seen.url), Err))
            .await?;
    }
    Ok(())
}

/// What Twilio last said about the senders of a connection; those that were never looked at are
/// missing.
pub async fn healths(conn: &mut Conn, id: ConnectionId) -> Result<HashMap<SenderId, Health>> {
    let rows: Vec<(SenderId, Option<Value>)> = senders::table
        .filter(senders::connection_id.eq(id))
        .select((senders::id, senders::health))
        .load(conn)
        .await?;
    // What another version has left and cannot be read is looked at anew.
    let read =
        |(id, health): (SenderId, Option<Value>)| Some((id, serde_json::from_value(health?).ok()?));
    Ok(rows.into_iter().filter_map(read).collect())
}

async fn see(
    client: &Client,
    credentials: &Credentials,
    sender: Sender,
    pools: std::result::Result<&Pools, &Problem>,
    here: &Here,
    now: DateTime<Utc>,
) -> InspectedSender {
    let found = connections::find_sender(client, credentials, &sender.address).await;
    let empty = Health {
        checked_at: now,
        checks: Vec::new(),
        number_type: None,
        webhook: None,
        registrations: Vec::new(),
        pool: Vec::new(),
    };
    let health = match pools {
        Ok(pools) => look(client, credentials, &sender.address, pools, here, empty.clone()).await,
        Err(problem) => Err(problem.clone()),
    };
    let checks = checks(&sender, &found, &health);
    let health = Health { checks, ..health.unwrap_or(empty) };
    InspectedSender { id: sender.id, found: found.ok(), health, url: here.url.clone() }
}

/// Reads where incoming messages go and what is registered.
async fn look(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    pools: &Pools,
    here: &Here,
    mut health: Health,
) -> std::result::Result<Health, Problem> {
    let route = inbound::route(client, credentials, address, pools).await?;
    let webhook = Webhook::compare(&route, &here.url);
    health.webhook =
        Some(if here.is_reachable { webhook } else { webhook.at_unreachable_address() });
    match route {
        Route::Service(service) => {
            let pool = client
                .service_numbers(credentials, &service.sid)
                .await
                .map_err(|error| Problem::of(error, credentials))?;
            health.registrations =
                registration::of_service(client, credentials, &service, &pool).await;
            health.pool = pool
                .iter()
                .take(MAX_NAMED)
                .map(|number| number.phone_number.international())
                .collect();
        }
        Route::Number { number, .. } | Route::ServiceOfNumber { number, .. } => {
            health.registrations =
                registration::of_number(client, credentials, &number, pools).await;
            health.number_type = number.kind;
        }
    }
    Ok(health)
}

/// The lines of one sender.
fn checks(
    sender: &Sender,
    found: &std::result::Result<VerifiedSender, Problem>,
    health: &std::result::Result<Health, Problem>,
) -> Vec<Check> {
    let label = sender.label();
    let found = match found {
        Ok(found) => found,
        Err(problem) => return vec![Check::problem(format!("Sender {label}"), problem)],
    };
    let mut checks = vec![sender_check(sender, &label, found)];
    match health {
        Ok(health) => {
            // That the internet does not reach the address is told once, for all senders.
            checks.extend(
                health
                    .webhook
                    .as_ref()
                    .filter(|webhook| !webhook.is_set_in_vain())
                    .map(|webhook| webhook.check(&label)),
            );
            checks.extend(health.registrations.iter().map(Registration::check));
        }
        Err(problem) => {
            checks.push(Check::problem(format!("Incoming messages of {label}"), problem));
        }
    }
    checks
}

impl InspectedSender {
    /// Whether incoming messages are reported here; none where Twilio did not say.
    #[must_use]
    pub fn is_heard(&self) -> Option<bool> {
        self.health.webhook.as_ref().map(Webhook::is_heard)
    }
}

impl Inspection {
    /// All lines: first those of account and address, then those of each sender.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        self.lines().cloned().collect()
    }

    fn lines(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .chain(&self.address)
            .chain(self.senders.iter().flat_map(|seen| &seen.health.checks))
    }

    /// Whether nothing has failed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        !self.lines().any(Check::has_failed)
    }
}

fn sender_check(sender: &Sender, label: &str, found: &VerifiedSender) -> Check {
    let title = format!("Sender {label}");
    if let Some(reason) = &sender.stopped_reason {
        return Check::failed(
            title,
            format!("Carillon has stopped it: {reason}"),
            "When the cause is removed in Twilio, enable it again.",
        );
    }
    let detail = match (sender.disabled_at, found.mms_capable) {
        (Some(_), _) => "It is in the account, and disabled here.",
        (None, true) => "It is in the account, and can send SMS and MMS.",
        (None, false) => "It is in the account, and can send SMS but no MMS.",
    };
    Check::passed(title, detail)
}
