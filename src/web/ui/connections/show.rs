//! The page of one connection: four tabs with its checks, its senders, a test message and its
//! settings.

use std::collections::HashMap;

use actix_web::web::{self, Path, ServiceConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::connection_view::ConnectionView;
use super::health::ChecksView;
use super::public_address::is_reachable;
use super::sender_view::SenderView;
use super::test_message_input::TestMessageInput;
use crate::connection_center::{self, ConnectError};
use crate::connections::{
    self, Connection, ConnectionChange, UnconfirmedPolicy, rejected_webhooks,
};
use crate::context::Context;
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::messages::throttle::queue_figures::{self, QueueFigures};
use crate::senders::{self, Sender};
use crate::templates;
use crate::types::id::{ConnectionId, SenderId};
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Viewer, Visit};

/// Mounts the tabs (that of the senders is mounted with the form that adds one), the form for
/// settings, and the buttons that disable and enable the connection.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}").get(show_overview).post(change))
        .service(web::resource("/connections/{id}/test").get(show_test))
        .service(web::resource("/connections/{id}/advanced").get(show_advanced))
        .service(web::resource("/connections/{id}/disable").post(disable))
        .service(web::resource("/connections/{id}/enable").post(enable));
}

/// The page of one connection.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectionShowPage {
    tab: ConnectionTab,
    connection: ConnectionView,
    senders: Vec<SenderView>,
    /// When the former Auth Token expires, if it is still accepted.
    former_token_until: Option<DateTime<Utc>>,
    /// When the former secret of the webhook address expires, if it is still accepted.
    former_secret_until: Option<DateTime<Utc>>,
    /// The number of webhooks rejected within the last day.
    rejected: i64,
    /// Whether Twilio can call this installation, judging by its public address.
    is_reachable: bool,
    /// Whether the next step of the first hour is to write a template: there is a sender, and no
    /// template yet.
    needs_template: bool,
    /// The results of the last check at Twilio.
    look: Option<ChecksView>,
    policies: [Choice; 2],
    pub(super) test: TestMessageInput,
    /// The senders from which the test message can be sent.
    sender_choices: Vec<Choice>,
    form: SettingsInput,
    /// A rejected name of a sender, as typed.
    sender_name: Option<RejectedName>,
    pub(super) errors: FieldErrors,
}

/// A tab of the page.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConnectionTab {
    Overview,
    Senders,
    Test,
    Advanced,
}

/// A rejected name of a sender, as typed, and its error.
#[derive(Debug, Serialize)]
struct RejectedName {
    sender_id: SenderId,
    name: String,
    wrong: String,
}

/// The input of the settings form.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SettingsInput {
    name: String,
    unconfirmed_policy: String,
    max_concurrency: String,
}

async fn show_overview(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    show(visit, *id, ConnectionTab::Overview).await
}

/// Shows the senders of the connection.
pub(super) async fn show_senders(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    show(visit, *id, ConnectionTab::Senders).await
}

async fn show_test(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    show(visit, *id, ConnectionTab::Test).await
}

async fn show_advanced(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    show(visit, *id, ConnectionTab::Advanced).await
}

async fn show(visit: Visit<Viewer>, id: ConnectionId, tab: ConnectionTab) -> PageResult {
    let mut conn = visit.conn().await?;
    let page = ConnectionShowPage::load(&visit.context, &mut conn, id, tab, visit.now()).await?;
    drop(conn);
    visit.page(&page)
}

async fn change(
    visit: Visit<Admin>,
    id: Path<ConnectionId>,
    form: Form<SettingsInput>,
) -> PageResult {
    let outcome = match form.read() {
        Ok(change) => {
            connection_center::change_connection(&visit.context, &visit.actor(), *id, &change)
                .await
                .map_err(ConnectError::fields)
        }
        Err(errors) => Err(Ok(errors)),
    };
    match outcome {
        Ok(_) => visit.redirect(format!("/connections/{id}/advanced")).flash("Settings saved."),
        Err(errors) => {
            let mut page = ConnectionShowPage::load(
                &visit.context,
                &mut *visit.conn().await?,
                *id,
                ConnectionTab::Advanced,
                visit.now(),
            )
            .await?;
            page.form = form.into_inner();
            page.errors = errors?;
            visit.invalid(&page)
        }
    }
}

async fn disable(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = switch(&visit, *id, true).await?;
    let text = format!("“{}” is disabled. Messages that are due wait for it.", connection.name);
    visit
        .redirect(format!("/connections/{id}/advanced"))
        .undo(format!("/connections/{id}/enable"), [])
        .flash(text)
}

async fn enable(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = switch(&visit, *id, false).await?;
    visit.redirect(format!("/connections/{id}")).flash(format!(
        "“{}” is enabled. It sends again, starting with waiting messages.",
        connection.name
    ))
}

async fn switch(
    visit: &Visit<Admin>,
    id: ConnectionId,
    disabled: bool,
) -> Result<Connection, ConnectError> {
    let change = ConnectionChange { disabled: Some(disabled), ..ConnectionChange::default() };
    connection_center::change_connection(&visit.context, &visit.actor(), id, &change).await
}

impl SettingsInput {
    fn read(&self) -> std::result::Result<ConnectionChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let policy = errors.check(
            "unconfirmed_policy",
            self.unconfirmed_policy.parse().map_err(|_| "Choose one of the two options."),
        );
        let max_concurrency =
            self.max_concurrency.trim().parse().map_err(|_| "Enter a whole number, such as 250.");
        let max_concurrency = errors.check("max_concurrency", max_concurrency);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(ConnectionChange {
            name: Some(self.name.clone()),
            unconfirmed_policy: policy,
            max_concurrency,
            disabled: None,
        })
    }
}

fn choices(senders: &[Sender]) -> Vec<Choice> {
    senders.iter().map(|sender| Choice::new(sender.id.to_string(), sender.label())).collect()
}

fn with_queue(
    sender: Sender,
    queues: &HashMap<SenderId, QueueFigures>,
    now: DateTime<Utc>,
) -> SenderView {
    let queue = queues.get(&sender.id).copied().unwrap_or_default();
    SenderView::with_queue(sender, &queue, now)
}

fn policies() -> [Choice; 2] {
    [
        Choice::new(UnconfirmedPolicy::GiveUp.as_str(), "Never send twice; it may be lost"),
        Choice::new(UnconfirmedPolicy::Resend.as_str(), "Send again; it may arrive twice"),
    ]
}

impl ConnectionShowPage {
    pub(super) async fn load(
        context: &Context,
        conn: &mut Conn,
        id: ConnectionId,
        tab: ConnectionTab,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let connection = connections::find(conn, id).await?;
        let senders = senders::list_for_connection(conn, id).await?;
        let queues = queue_figures::of_senders(conn, &senders, now).await?;
        let health_by_sender = senders::health_by_sender(conn, id).await?;
        let (last_check, test) = connections::last_check(conn, id).await?;
        let checks = last_check.map(|check| {
            ChecksView::new(context, check, &senders, &health_by_sender, test.as_ref())
        });
        let rejected =
            rejected_webhooks::count_since(conn, Some(id), now - TimeDelta::days(1)).await?;
        let needs_template =
            !senders.is_empty() && templates::list(conn, None, 1).await?.is_empty();
        let form = SettingsInput {
            name: connection.name.clone(),
            unconfirmed_policy: connection.unconfirmed_policy.to_string(),
            max_concurrency: connection.max_concurrency.to_string(),
        };
        Ok(Self {
            tab,
            former_token_until: connection.former_auth_token_until.filter(|until| *until > now),
            former_secret_until: connection.former_hook_secret_until.filter(|until| *until > now),
            connection: connection.into(),
            sender_choices: choices(&senders),
            senders: senders
                .into_iter()
                .map(|sender| {
                    let health = health_by_sender.get(&sender.id);
                    with_queue(sender, &queues, now).with_health(health)
                })
                .collect(),
            rejected,
            is_reachable: is_reachable(context),
            needs_template,
            look: checks,
            policies: policies(),
            test: TestMessageInput::default(),
            form,
            sender_name: None,
            errors: FieldErrors::default(),
        })
    }

    /// Adds a rejected name of a sender to the page.
    pub(super) fn with_name_error(
        self,
        sender_id: SenderId,
        name: &str,
        errors: &FieldErrors,
    ) -> Self {
        let wrong =
            errors.iter().flat_map(|(_, messages)| messages).cloned().collect::<Vec<_>>().join(" ");
        Self { sender_name: Some(RejectedName { sender_id, name: name.to_owned(), wrong }), ..self }
    }
}

impl Page for ConnectionShowPage {
    const TEMPLATE: &'static str = "ui/connections/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
