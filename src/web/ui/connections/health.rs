//! The health page of a connection: actual against expected settings at Twilio, registrations, and
//! whether Twilio's calls arrive.

use std::collections::HashMap;

use actix_web::web::{self, Path, ServiceConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::connection_view::ConnectionView;
use super::sender_view::RegistrationView;
use crate::connection_center;
use crate::connections::{
    self, Check, CheckOutcome, LastCheck, SenderKind, WebhookTest, rejected_webhooks,
};
use crate::context::Context;
use crate::db::Conn;
use crate::error::Result;
use crate::senders::inbound_webhook::InboundWebhook;
use crate::senders::{self, Health, Sender};
use crate::types::hook_address::{HookAddress, redacted};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::{Admin, Page, PageResult, Viewer, Visit};

/// Mounts the page, the check at Twilio and the test of the webhook.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/health").get(show))
        .service(web::resource("/connections/{id}/verify").post(verify))
        .service(web::resource("/connections/{id}/webhook-test").post(test));
}

/// The health page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HealthPage {
    connection: ConnectionView,
    look: Option<ChecksView>,
    test: Option<WebhookTest>,
    senders: Vec<SenderHealth>,
    /// The address to which Twilio has to report incoming messages.
    inbound_url: String,
    /// The number of webhooks rejected within the last day.
    rejected: i64,
}

/// The results of the last check at Twilio, with counts.
#[derive(Debug, Serialize)]
pub(super) struct ChecksView {
    checked_at: DateTime<Utc>,
    checks: Vec<Check>,
    passed: usize,
    failed: usize,
    warnings: usize,
}

/// A sender as it is set up at Twilio.
#[derive(Debug, Serialize)]
struct SenderHealth {
    id: SenderId,
    label: String,
    is_service: bool,
    /// The last error when the webhook was set.
    webhook_error: Option<String>,
    number_type: Option<String>,
    pool: Vec<String>,
    checked_at: Option<DateTime<Utc>>,
    webhook: Option<WebhookView>,
    registrations: Vec<RegistrationView>,
}

/// The webhook of a sender, with what differs from the expected settings.
#[derive(Debug, Serialize)]
struct WebhookView {
    #[serde(flatten)]
    webhook: InboundWebhook,
    is_heard: bool,
    /// Sentences about what differs and what to do.
    differences: Vec<String>,
}

async fn show(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    let page =
        HealthPage::load(&visit.context, &mut *visit.conn().await?, *id, visit.now()).await?;
    visit.page(&page)
}

async fn verify(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let checks = connection_center::check(&visit.context, *id).await?;
    let redirect = visit.redirect(format!("/connections/{id}/health"));
    match checks.iter().filter(|check| check.has_failed()).count() {
        0 => redirect.flash("Checked at Twilio: no check failed."),
        1 => redirect.warning("Checked at Twilio: 1 check failed."),
        many => redirect.warning(format!("Checked at Twilio: {many} checks failed.")),
    }
}

async fn test(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let WebhookTest { check, .. } = connection_center::test_webhook(&visit.context, *id).await?;
    let redirect = visit.redirect(format!("/connections/{id}/health#webhook-test"));
    match check.outcome {
        CheckOutcome::Failed => redirect.warning(format!("The test failed. {}", check.detail)),
        _ => redirect.flash(check.detail),
    }
}

impl HealthPage {
    async fn load(
        context: &Context,
        conn: &mut Conn,
        id: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let connection = connections::find(conn, id).await?;
        // The page redacts the secret, so any value will do.
        let address = if connection.has_auth_token {
            HookAddress::signed(id)
        } else {
            HookAddress::secret(id, "secret".into())
        };
        let (last_check, test) = connections::last_check(conn, id).await?;
        let mut health_by_sender = senders::health_by_sender(conn, id).await?;
        let senders = senders::list_for_connection(conn, id).await?;
        let rejected =
            rejected_webhooks::count_since(conn, Some(id), now - TimeDelta::days(1)).await?;
        let checks = last_check.map(|check| {
            ChecksView::new(context, check, &senders, &health_by_sender, test.as_ref())
        });
        let senders = senders.into_iter().map(|sender| {
            let health = health_by_sender.remove(&sender.id);
            SenderHealth::new(sender, health)
        });
        Ok(Self {
            connection: connection.into(),
            look: checks,
            test,
            senders: senders.collect(),
            inbound_url: redacted(&address.inbound(&context.config.public_url)).into_owned(),
            rejected,
        })
    }
}

impl ChecksView {
    /// Collects the checks of the connection and its public address, then those of each sender,
    /// then the test of the webhooks if it failed.
    pub(super) fn new(
        context: &Context,
        last_check: LastCheck,
        senders: &[Sender],
        health_by_sender: &HashMap<SenderId, Health>,
        test: Option<&WebhookTest>,
    ) -> Self {
        let mut checks = last_check.checks;
        checks.extend(connections::check_public_url(&context.twilio, &context.config.public_url));
        let of_senders = senders.iter().filter_map(|sender| health_by_sender.get(&sender.id));
        checks.extend(of_senders.flat_map(|health| health.checks.iter().cloned()));
        checks.extend(test.map(|test| &test.check).filter(|check| check.has_failed()).cloned());
        Self::of(last_check.checked_at, checks)
    }

    fn of(checked_at: DateTime<Utc>, checks: Vec<Check>) -> Self {
        let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
        Self {
            passed: count(CheckOutcome::Passed),
            failed: count(CheckOutcome::Failed),
            warnings: count(CheckOutcome::Warning),
            checked_at,
            checks,
        }
    }
}

impl SenderHealth {
    fn new(sender: Sender, health: Option<Health>) -> Self {
        let empty = Self {
            id: sender.id,
            label: sender.label(),
            is_service: sender.kind == SenderKind::MessagingService,
            webhook_error: sender.webhook_error,
            number_type: None,
            pool: Vec::new(),
            checked_at: None,
            webhook: None,
            registrations: Vec::new(),
        };
        let Some(health) = health else { return empty };
        Self {
            number_type: health.number_type,
            pool: health.pool,
            checked_at: Some(health.checked_at),
            webhook: health.webhook.map(WebhookView::from),
            registrations: health.registrations.into_iter().map(RegistrationView::from).collect(),
            ..empty
        }
    }
}

impl From<InboundWebhook> for WebhookView {
    fn from(webhook: InboundWebhook) -> Self {
        let differences = webhook.drift.iter().map(|drift| webhook.what_to_do(*drift)).collect();
        Self { is_heard: webhook.reports_here(), differences, webhook }
    }
}

impl Page for HealthPage {
    const TEMPLATE: &'static str = "ui/connections/health.html";
}

#[cfg(debug_assertions)]
#[path = "samples/health.rs"]
mod samples;
