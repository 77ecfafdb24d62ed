//! Inspects everything that a connection needs at Twilio: HTTP only; [`record`] then stores the
//! results.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inbound_route::{self, InboundRoute};
use super::inbound_webhook::InboundWebhook;
use super::registration::{self, Registration};
use super::sender::refresh;
use super::service_pools::ServicePools;
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

/// The last inspection of a sender at Twilio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Time at which the inspection began.
    pub checked_at: DateTime<Utc>,
    /// All results as checks, for users.
    pub checks: Vec<Check>,
    /// Twilio's type of number: `local`, `toll-free` …; `None` for a Messaging Service.
    pub number_type: Option<String>,
    /// Where incoming messages go; `None` if Twilio did not answer.
    pub webhook: Option<InboundWebhook>,
    /// Required registrations and their status; empty if none is required.
    pub registrations: Vec<Registration>,
    /// The numbers of a Messaging Service in international format.
    pub pool: Vec<String>,
}

/// The result of inspecting a connection.
#[derive(Debug)]
pub struct Inspection {
    /// The account, or why it cannot be used.
    pub account: std::result::Result<VerifiedAccount, Problem>,
    /// Checks of keys and account.
    checks: Vec<Check>,
    /// Check of the public address.
    address: Option<Check>,
    senders: Vec<InspectedSender>,
}

/// The result of inspecting one sender.
pub struct InspectedSender {
    id: SenderId,
    found: Option<VerifiedSender>,
    health: Health,
    /// The expected URL of the inbound webhook.
    url: String,
}

impl std::fmt::Debug for InspectedSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InspectedSender")
            .field("id", &self.id)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

/// The expected inbound webhook of a connection.
struct ExpectedWebhook {
    url: String,
    /// Whether Twilio can call it, as far as the address reveals.
    is_reachable: bool,
}

impl ExpectedWebhook {
    fn of(url: String, client: &Client, public_url: &PublicUrl) -> Self {
        let address = connections::check_public_url(client, public_url);
        Self { url, is_reachable: !address.is_some_and(|check| check.has_failed()) }
    }
}

/// Number of senders inspected concurrently.
const MAX_CONCURRENT: usize = 2;

/// Maximum number of pool numbers that are stored; a pool can have thousands.
const MAX_POOL_NUMBERS: usize = 50;

/// Inspects the keys and each of the connection's senders, whose inbound webhooks should be
/// `inbound_url`.
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
    let address = connections::check_public_url(client, public_url);
    if account.is_err() {
        return Inspection { account, checks, address, senders: Vec::new() };
    }
    let credentials = keys.credentials();
    let expected = ExpectedWebhook::of(inbound_url, client, public_url);
    let pools = ServicePools::read(client, &credentials)
        .await
        .map_err(|error| Problem::of(error, &credentials));
    let inspections: Vec<BoxFuture<'_, InspectedSender>> = senders
        .into_iter()
        .map(|sender| {
            inspect_with_pools(client, &credentials, sender, pools.as_ref(), &expected, now).boxed()
        })
        .collect();
    Inspection {
        account,
        checks,
        address,
        senders: stream::iter(inspections).buffered(MAX_CONCURRENT).collect().await,
    }
}

/// Inspects one sender, whose inbound webhook should be `inbound_url`.
pub async fn inspect_sender(
    client: &Client,
    credentials: &Credentials,
    sender: Sender,
    inbound_url: String,
    public_url: &PublicUrl,
    now: DateTime<Utc>,
) -> InspectedSender {
    let expected = ExpectedWebhook::of(inbound_url, client, public_url);
    let pools = match &sender.address {
        SenderAddress::PhoneNumber(_) => ServicePools::read(client, credentials)
            .await
            .map_err(|error| Problem::of(error, credentials)),
        SenderAddress::MessagingService(_) => Ok(ServicePools::default()),
    };
    inspect_with_pools(client, credentials, sender, pools.as_ref(), &expected, now).await
}

/// Stores the results of an inspection.
pub async fn record(
    conn: &mut Conn,
    id: ConnectionId,
    inspection: &Inspection,
    now: DateTime<Utc>,
) -> Result<()> {
    for sender in &inspection.senders {
        record_sender(conn, sender).await?;
    }
    if let Ok(account) = &inspection.account {
        connections::record_accepted(conn, id, account, now).await?;
    }
    connections::record_checks(conn, id, &inspection.checks, now).await
}

/// Stores the results for one sender, unless those of an inspection that began later are already
/// stored.
pub async fn record_sender(conn: &mut Conn, inspected: &InspectedSender) -> Result<()> {
    let newest: Option<Value> = senders::table
        .find(inspected.id)
        .select(senders::health)
        .for_no_key_update()
        .first(conn)
        .await?;
    let newest = newest.and_then(|health| serde_json::from_value::<Health>(health).ok());
    if newest.is_some_and(|newest| newest.checked_at > inspected.health.checked_at) {
        return Ok(());
    }
    let json = serde_json::to_value(&inspected.health)
        .map_err(|error| Error::Internal(error.to_string()))?;
    diesel::update(senders::table.find(inspected.id))
        .set(senders::health.eq(json))
        .execute(conn)
        .await?;
    if let Some(found) = &inspected.found {
        refresh(conn, inspected.id, found).await?;
    }
    if let Some(webhook) = &inspected.health.webhook {
        let error = webhook.why_not_reported();
        record_inbound(conn, inspected.id, error.as_deref().map_or(Ok(&inspected.url), Err))
            .await?;
    }
    Ok(())
}

/// The last inspections of a connection's senders; senders never inspected are missing.
pub async fn health_by_sender(
    conn: &mut Conn,
    id: ConnectionId,
) -> Result<HashMap<SenderId, Health>> {
    let rows: Vec<(SenderId, Option<Value>)> = senders::table
        .filter(senders::connection_id.eq(id))
        .select((senders::id, senders::health))
        .load(conn)
        .await?;
    // A result that cannot be parsed, because another version wrote it, counts as missing.
    let read =
        |(id, health): (SenderId, Option<Value>)| Some((id, serde_json::from_value(health?).ok()?));
    Ok(rows.into_iter().filter_map(read).collect())
}

async fn inspect_with_pools(
    client: &Client,
    credentials: &Credentials,
    sender: Sender,
    pools: std::result::Result<&ServicePools, &Problem>,
    expected: &ExpectedWebhook,
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
        Ok(pools) => {
            read_health(client, credentials, &sender.address, pools, expected, empty.clone()).await
        }
        Err(problem) => Err(problem.clone()),
    };
    let checks = checks(&sender, &found, &health);
    let health = Health { checks, ..health.unwrap_or(empty) };
    InspectedSender { id: sender.id, found: found.ok(), health, url: expected.url.clone() }
}

/// Reads the inbound webhook and the registrations into `health`.
async fn read_health(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    pools: &ServicePools,
    expected: &ExpectedWebhook,
    mut health: Health,
) -> std::result::Result<Health, Problem> {
    let route = inbound_route::route(client, credentials, address, pools).await?;
    let webhook = InboundWebhook::compare(&route, &expected.url);
    health.webhook =
        Some(if expected.is_reachable { webhook } else { webhook.at_unreachable_address() });
    match route {
        InboundRoute::Service(service) => {
            let pool = client
                .service_numbers(credentials, &service.sid)
                .await
                .map_err(|error| Problem::of(error, credentials))?;
            health.registrations =
                registration::of_service(client, credentials, &service, &pool).await;
            health.pool = pool
                .iter()
                .take(MAX_POOL_NUMBERS)
                .map(|number| number.phone_number.international())
                .collect();
        }
        InboundRoute::Number { number, .. } | InboundRoute::ServiceOfNumber { number, .. } => {
            health.registrations =
                registration::of_number(client, credentials, &number, pools).await;
            health.number_type = number.kind;
        }
    }
    Ok(health)
}

/// The checks of one sender.
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
            // An unreachable public address has its own check, once for all senders.
            checks.extend(
                health
                    .webhook
                    .as_ref()
                    .filter(|webhook| !webhook.is_set_but_unreachable())
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
    /// Whether incoming messages are reported to Carillon; `None` if Twilio did not answer.
    #[must_use]
    pub fn reports_here(&self) -> Option<bool> {
        self.health.webhook.as_ref().map(InboundWebhook::reports_here)
    }
}

impl Inspection {
    /// All checks: first those of account and address, then those of each sender.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        self.iter_checks().cloned().collect()
    }

    fn iter_checks(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .chain(&self.address)
            .chain(self.senders.iter().flat_map(|inspected| &inspected.health.checks))
    }

    /// Whether no check failed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        !self.iter_checks().any(Check::has_failed)
    }
}

fn sender_check(sender: &Sender, label: &str, found: &VerifiedSender) -> Check {
    let title = format!("Sender {label}");
    if let Some(reason) = &sender.stopped_reason {
        return Check::failed(
            title,
            format!("Stopped: {reason}"),
            "Fix the cause at Twilio, then enable the sender.",
        );
    }
    let detail = match (sender.disabled_at, found.mms_capable) {
        (Some(_), _) => "In the account, disabled here.",
        (None, true) => "In the account, can send SMS and MMS.",
        (None, false) => "In the account, can send SMS but no MMS.",
    };
    Check::passed(title, detail)
}
