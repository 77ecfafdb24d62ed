//! The health page of a connection: actual against expected settings at Twilio, registrations, and
//! whether Twilio's calls arrive.

use std::collections::HashMap;
use std::ops::Range;

use actix_web::web::{self, Path, ServiceConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

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
use crate::web::quantities::{counted, grouped};
use crate::web::{Admin, Page, PageResult, Query, Viewer, Visit};

/// The largest number of senders on the page; an account may have thousands.
const SENDERS: usize = 25;
/// The largest number of problems, and of passed checks, that a page lists.
const MAX_CHECKS: usize = 100;

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
    /// Which of the senders these are, if there are others: `26 to 50 of 1,234 senders`.
    said: Option<String>,
    /// The path of the part before.
    earlier: Option<String>,
    /// The path of the part after.
    later: Option<String>,
    /// The address to which Twilio has to report incoming messages.
    inbound_url: String,
    /// The number of webhooks rejected within the last day.
    rejected: i64,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HealthQuery {
    /// A sender in the part of the senders that the page shows; without it, the first part.
    sender: Option<SenderId>,
}

/// The results of the last check at Twilio, with counts.
#[derive(Debug, Serialize)]
pub(super) struct ChecksView {
    checked_at: DateTime<Utc>,
    /// The first checks that failed, then notes, then those that passed.
    checks: Vec<Check>,
    passed: usize,
    failed: usize,
    warnings: usize,
    /// How many failures and notes are not listed.
    more_problems: usize,
    /// How many passed checks are not listed.
    more_passed: usize,
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

async fn show(
    visit: Visit<Viewer>,
    id: Path<ConnectionId>,
    query: Query<HealthQuery>,
) -> PageResult {
    let page =
        HealthPage::load(&visit.context, &mut *visit.conn().await?, *id, query.sender, visit.now())
            .await?;
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
        wanted: Option<SenderId>,
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
        let mut senders = senders::list_for_connection(conn, id).await?;
        let rejected =
            rejected_webhooks::count_since(conn, Some(id), now - TimeDelta::days(1)).await?;
        let checks = last_check.map(|check| {
            ChecksView::new(context, check, &senders, &health_by_sender, test.as_ref())
        });
        // Those with problems first, each group in the order of creation.
        senders.sort_by_key(|sender| !has_problem(sender, health_by_sender.get(&sender.id)));
        let ids: Vec<SenderId> = senders.iter().map(|sender| sender.id).collect();
        let SendersPart { places, earlier, later } = SendersPart::with(&ids, wanted);
        let said = (places.len() < ids.len()).then(|| {
            let (first, last) = (grouped(places.start + 1), grouped(places.end));
            format!("{first} to {last} of {}", counted(ids.len(), "sender"))
        });
        let path = |sender: SenderId| format!("/connections/{id}/health?sender={sender}#senders");
        let senders = senders.drain(places).map(|sender| {
            let health = health_by_sender.remove(&sender.id);
            SenderHealth::new(sender, health)
        });
        Ok(Self {
            connection: connection.into(),
            look: checks,
            test,
            senders: senders.collect(),
            said,
            earlier: earlier.map(path),
            later: later.map(path),
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
        Self::of(last_check.checked_at, &checks)
    }

    fn of(checked_at: DateTime<Utc>, all: &[Check]) -> Self {
        let of_outcome =
            |outcome: CheckOutcome| all.iter().filter(move |check| check.outcome == outcome);
        let problems = of_outcome(CheckOutcome::Failed).chain(of_outcome(CheckOutcome::Warning));
        let passes = of_outcome(CheckOutcome::Passed);
        let (failed, warnings, passed) = (
            of_outcome(CheckOutcome::Failed).count(),
            of_outcome(CheckOutcome::Warning).count(),
            passes.clone().count(),
        );
        Self {
            checked_at,
            checks: problems.take(MAX_CHECKS).chain(passes.take(MAX_CHECKS)).cloned().collect(),
            passed,
            failed,
            warnings,
            more_problems: (failed + warnings).saturating_sub(MAX_CHECKS),
            more_passed: passed.saturating_sub(MAX_CHECKS),
        }
    }
}

/// Whether something is wrong with a sender, or could be better.
fn has_problem(sender: &Sender, health: Option<&Health>) -> bool {
    let passed = |check: &Check| check.outcome == CheckOutcome::Passed;
    sender.webhook_error.is_some() || health.is_some_and(|health| !health.checks.iter().all(passed))
}

/// The part of the senders that the page shows, by their places in the list.
#[derive(Debug, PartialEq, Eq)]
struct SendersPart {
    places: Range<usize>,
    /// The first sender of the part before.
    earlier: Option<SenderId>,
    /// The first sender of the part after.
    later: Option<SenderId>,
}

impl SendersPart {
    /// The part with a sender, or the first one.
    fn with(all: &[SenderId], wanted: Option<SenderId>) -> Self {
        let at = wanted.and_then(|id| all.iter().position(|known| *known == id)).unwrap_or(0);
        let start = at - at % SENDERS;
        let end = all.len().min(start + SENDERS);
        Self {
            places: start..end,
            earlier: start.checked_sub(SENDERS).and_then(|at| all.get(at).copied()),
            later: all.get(end).copied(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lists_a_part_of_the_checks_and_counts_all() {
        let mut checks = vec![Check::passed("Keys", "Accepted."); 150];
        checks.push(Check::warning("Account", "A trial account.", "Upgrade it."));
        checks.extend(vec![Check::failed("Number", "It is gone.", "Check it."); 120]);
        let view = ChecksView::of(DateTime::UNIX_EPOCH, &checks);
        assert_eq!((view.failed, view.warnings, view.passed), (120, 1, 150));
        assert_eq!((view.more_problems, view.more_passed), (21, 50));
        let outcomes: Vec<CheckOutcome> = view.checks.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes.len(), 200);
        assert!(outcomes[..100].iter().all(|outcome| *outcome == CheckOutcome::Failed));
    }

    #[test]
    fn the_part_of_a_sender_leads_to_those_around_it() {
        let all: Vec<SenderId> = (0..60).map(|_| SenderId::new()).collect();
        let part = |wanted| {
            let SendersPart { places, earlier, later } = SendersPart::with(&all, wanted);
            let at = |id: SenderId| all.iter().position(|known| *known == id);
            (places, earlier.and_then(at), later.and_then(at))
        };
        assert_eq!(part(None), (0..25, None, Some(25)));
        assert_eq!(part(Some(SenderId::new())), (0..25, None, Some(25)), "it was removed");
        assert_eq!(part(Some(all[30])), (25..50, Some(0), Some(50)));
        assert_eq!(part(Some(all[59])), (50..60, Some(25), None));
        assert_eq!(
            SendersPart::with(&[], None),
            SendersPart { places: 0..0, earlier: None, later: None }
        );
    }
}
