//! The page of one connection: account, keys, senders, and what a live check found.

use std::collections::HashMap;

use actix_web::web::{self, Path, ServiceConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::test_message::TestInput;
use super::view::{ConnectionView, SenderView};
use crate::connections::{self, Check, Outcome, UnconfirmedPolicy, webhooks};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::throttle::figures::{self, QueueFigures};
use crate::senders::{self, Sender};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::connecting;
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Viewer, Visit};

/// Mounts the page, its live check and its name.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}").get(show).post(rename)).service(web::resource("/connections/{id}/verify").post(verify));
}

/// One connection.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectionPage {
    connection: ConnectionView,
    senders: Vec<SenderView>,
    /// Webhooks that were rejected in the last day.
    rejected: i64,
    address_warning: Option<Check>,
    /// What a check found, if one was just made.
    checks: Option<Vec<Check>>,
    failed: usize,
    policies: [Choice; 2],
    pub(super) test: TestInput,
    /// What the test message can be sent from.
    sender_choices: Vec<Choice>,
    form: NameInput,
    pub(super) errors: FieldErrors,
}

/// What is typed into its settings.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct NameInput {
    name: String,
    unconfirmed_policy: String,
}

async fn show(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    let mut page = ConnectionPage::load(&mut *visit.conn().await?, *id, visit.now()).await?;
    page.address_warning = connecting::public_url_warning(&visit.app).filter(|check| check.outcome != Outcome::Passed);
    visit.page(&page)
}

/// Answers with the page itself, since what was found is true of this moment only.
async fn verify(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let checks = connecting::check(&visit.app, *id).await?;
    let mut page = ConnectionPage::load(&mut *visit.conn().await?, *id, visit.now()).await?;
    page.failed = checks.iter().filter(|check| check.outcome == Outcome::Failed).count();
    page.checks = Some(checks);
    visit.page(&page)
}

async fn rename(visit: Visit<Admin>, id: Path<ConnectionId>, form: Form<NameInput>) -> PageResult {
    match save(&mut *visit.conn().await?, *id, &form).await {
        Ok(()) => visit.redirect(format!("/connections/{id}")).flash("Saved."),
        Err(Error::Invalid(errors)) => {
            let mut page = ConnectionPage::load(&mut *visit.conn().await?, *id, visit.now()).await?;
            page.form = form.into_inner();
            page.errors = errors;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn save(conn: &mut Conn, id: ConnectionId, form: &NameInput) -> Result<()> {
    let policy = form.unconfirmed_policy.parse();
    let policy = policy.map_err(|_| Error::field("unconfirmed_policy", "Choose one of the two."))?;
    connections::rename(conn, id, &form.name).await?;
    connections::set_unconfirmed_policy(conn, id, policy).await?;
    Ok(())
}

fn choices(senders: &[Sender]) -> Vec<Choice> {
    senders.iter().map(|sender| Choice::new(sender.id.to_string(), sender.label())).collect()
}

fn with_queue(sender: Sender, queues: &HashMap<SenderId, QueueFigures>, now: DateTime<Utc>) -> SenderView {
    let queue = queues.get(&sender.id).copied().unwrap_or_default();
    SenderView::with_queue(sender, &queue, now)
}

fn policies() -> [Choice; 2] {
    [
        Choice::new(UnconfirmedPolicy::GiveUp.as_str(), "Give it up: never send anything twice"),
        Choice::new(UnconfirmedPolicy::Resend.as_str(), "Send it again: rather twice than not at all"),
    ]
}

impl ConnectionPage {
    pub(super) async fn load(conn: &mut Conn, id: ConnectionId, now: DateTime<Utc>) -> Result<Self> {
        let connection = connections::find(conn, id).await?;
        let senders = senders::of_connection(conn, id).await?;
        let queues = figures::of_many(conn, &senders, now).await?;
        let rejected = webhooks::count_since(conn, id, now - TimeDelta::days(1)).await?;
        let form = NameInput { name: connection.name.clone(), unconfirmed_policy: connection.unconfirmed_policy.to_string() };
        Ok(Self {
            connection: connection.into(),
            sender_choices: choices(&senders),
            senders: senders.into_iter().map(|sender| with_queue(sender, &queues, now)).collect(),
            rejected,
            address_warning: None,
            checks: None,
            failed: 0,
            policies: policies(),
            test: TestInput::default(),
            form,
            errors: FieldErrors::default(),
        })
    }
}

impl Page for ConnectionPage {
    const TEMPLATE: &'static str = "ui/connections/show.html";

    fn samples() -> Vec<Self> {
        let sample = |connection: ConnectionView, senders, checks: Option<Vec<Check>>| Self {
            form: NameInput {
                name: connection.connection.name.clone(),
                unconfirmed_policy: connection.connection.unconfirmed_policy.to_string(),
            },
            connection,
            senders,
            rejected: 3,
            address_warning: Some(Check::warning("Address", "Twilio cannot call http://localhost.", "Set CARILLON_PUBLIC_URL.")),
            failed: usize::from(checks.is_some()),
            policies: policies(),
            test: TestInput::default(),
            sender_choices: vec![Choice::new("1", "Shop <1>")],
            checks,
            errors: FieldErrors::default(),
        };
        let checks = vec![
            Check::passed("Keys", "Twilio accepts the Auth Token."),
            Check::warning("Account", "It is a trial account.", "Upgrade it."),
            Check::failed("Sender", "The number is not in this account.", "Check the number."),
        ];
        let wrong = Self {
            errors: FieldErrors::default().with("name", "Give the connection a name."),
            ..sample(ConnectionView::stopped_sample(), Vec::new(), None)
        };
        vec![
            sample(ConnectionView::sample(), SenderView::samples(), None),
            sample(ConnectionView::sample(), SenderView::samples(), Some(checks)),
            wrong,
        ]
    }
}
