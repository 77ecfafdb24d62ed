//! Pages, one file per group; each has `pub fn routes` and registers its pages in `PAGES`.

mod account;
mod admin;
mod automations;
mod connections;
mod contacts;
mod home;
mod join;
mod ledger;
mod log_in;
mod made_event;
mod messages;
#[cfg(debug_assertions)]
pub mod samples;
mod settings;
mod setup;
mod somebody;
mod templates;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, PayloadConfig, ServiceConfig};

use serde::Serialize;

use super::http::error::PageError;
use super::http::{csrf, error};

pub use self::messages::LiveMessages;

/// One choice of a select box, for the template component `form.select`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
}

/// Longest form: a pasted list of some thousand contacts.
pub(super) const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

/// Mounts the pages: every POST is checked for its CSRF token, every error becomes a page in words.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("")
            .app_data(PayloadConfig::new(MAX_FORM_BYTES))
            .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
            .wrap(from_fn(csrf::check))
            .wrap(from_fn(error::show))
            .wrap(Compress::default())
            .configure(home::routes)
            .configure(setup::routes)
            .configure(log_in::routes)
            .configure(join::routes)
            .configure(account::routes)
            .configure(settings::routes)
            .configure(admin::routes)
            .configure(contacts::routes)
            .configure(templates::routes)
            .configure(automations::routes)
            .configure(connections::routes)
            .configure(messages::routes)
            .configure(ledger::routes)
            .default_service(web::to(async || -> Result<&'static str, PageError> {
                Err(PageError::NotFound("page"))
            })),
    );
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Every page there is; tests render the samples of each, and find templates that belong to none.
#[cfg(debug_assertions)]
pub(super) const PAGES: &[samples::Samples] = &[
    samples::of_page::<error::ErrorPage>,
    samples::of_page::<error::StrangersErrorPage>,
    samples::of_page::<home::HomePage>,
    samples::of_page::<setup::SetupPage>,
    samples::of_page::<log_in::LogInPage>,
    samples::of_page::<join::JoinPage>,
    samples::of_page::<join::ResetPage>,
    samples::of_page::<account::AccountPage>,
    samples::of_page::<settings::UsersPage>,
    samples::of_page::<settings::UserPage>,
    samples::of_page::<settings::InvitePage>,
    samples::of_page::<settings::LinkPage>,
    samples::of_page::<settings::KeysPage>,
    samples::of_page::<settings::NewKeyPage>,
    samples::of_page::<settings::OrganizationPage>,
    samples::of_page::<settings::OptOutWordsPage>,
    samples::of_page::<settings::LogPage>,
    samples::of_page::<admin::WorkPage>,
    samples::of_page::<admin::FailedPage>,
    samples::of_page::<admin::SetAsidePage>,
    samples::of_page::<admin::RetryPage>,
    samples::of_page::<admin::DatabasePage>,
    samples::of_page::<admin::SystemPage>,
    samples::of_page::<contacts::ListPage>,
    samples::of_page::<contacts::ShowPage>,
    samples::of_page::<contacts::EditPage>,
    samples::of_page::<contacts::DeletePage>,
    samples::of_page::<contacts::BulkPage>,
    samples::of_page::<messages::ListPage>,
    samples::of_page::<messages::MessagePage>,
    samples::of_page::<messages::ViewsPage>,
    samples::of_page::<ledger::LedgerPage>,
    samples::of_page::<ledger::RetryPage>,
    samples::of_page::<templates::ListPage>,
    samples::of_page::<templates::EditorPage>,
    samples::of_page::<templates::HistoryPage>,
    samples::of_page::<connections::ConnectionsPage>,
    samples::of_page::<connections::ConnectPage>,
    samples::of_page::<connections::show::ConnectionPage>,
    samples::of_page::<connections::health::HealthPage>,
    samples::of_page::<connections::keys::KeysPage>,
    samples::of_page::<connections::limits::LimitsPage>,
    samples::of_page::<connections::add_sender::AddSenderPage>,
    samples::of_page::<connections::rejected::RejectedPage>,
    samples::of_page::<automations::AutomationsPage>,
    samples::of_page::<automations::AutomationPage>,
    samples::of_page::<automations::EditorPage>,
    samples::of_page::<automations::EnrollmentPage>,
    samples::of_page::<automations::EnrollmentsPage>,
    samples::of_page::<automations::SwitchPage>,
    samples::of_page::<automations::TryPage>,
];
