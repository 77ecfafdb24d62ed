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
mod messages;
mod settings;
mod setup;
mod somebody;
mod templates;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, PayloadConfig, ServiceConfig};

use serde::Serialize;

use super::error::PageError;
use super::{csrf, error};

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
const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

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
            .default_service(web::to(async || -> Result<&'static str, PageError> { Err(PageError::NotFound("page")) })),
    );
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Every page there is; a test renders the samples of each, and finds templates that belong to none.
#[cfg(test)]
pub(super) const PAGES: &[super::page::Samples] = &[
    super::page::samples::<error::ErrorPage>,
    super::page::samples::<home::HomePage>,
    super::page::samples::<setup::SetupPage>,
    super::page::samples::<log_in::LogInPage>,
    super::page::samples::<join::JoinPage>,
    super::page::samples::<join::ResetPage>,
    super::page::samples::<account::AccountPage>,
    super::page::samples::<settings::UsersPage>,
    super::page::samples::<settings::UserPage>,
    super::page::samples::<settings::InvitePage>,
    super::page::samples::<settings::LinkPage>,
    super::page::samples::<settings::KeysPage>,
    super::page::samples::<settings::NewKeyPage>,
    super::page::samples::<settings::OrganizationPage>,
    super::page::samples::<settings::LogPage>,
    super::page::samples::<admin::WorkPage>,
    super::page::samples::<admin::FailedPage>,
    super::page::samples::<admin::RetryPage>,
    super::page::samples::<admin::DatabasePage>,
    super::page::samples::<admin::SystemPage>,
    super::page::samples::<contacts::ListPage>,
    super::page::samples::<contacts::ShowPage>,
    super::page::samples::<contacts::EditPage>,
    super::page::samples::<contacts::DeletePage>,
    super::page::samples::<contacts::BulkPage>,
    super::page::samples::<messages::ListPage>,
    super::page::samples::<messages::MessagePage>,
    super::page::samples::<messages::ViewsPage>,
    super::page::samples::<ledger::LedgerPage>,
    super::page::samples::<ledger::RetryPage>,
    super::page::samples::<templates::ListPage>,
    super::page::samples::<templates::EditorPage>,
    super::page::samples::<templates::HistoryPage>,
    super::page::samples::<connections::ConnectionsPage>,
    super::page::samples::<connections::ConnectPage>,
    super::page::samples::<connections::show::ConnectionPage>,
    super::page::samples::<connections::health::HealthPage>,
    super::page::samples::<connections::keys::KeysPage>,
    super::page::samples::<connections::limits::LimitsPage>,
    super::page::samples::<connections::add_sender::AddSenderPage>,
    super::page::samples::<connections::rejected::RejectedPage>,
    super::page::samples::<automations::AutomationsPage>,
    super::page::samples::<automations::AutomationPage>,
    super::page::samples::<automations::EditorPage>,
    super::page::samples::<automations::EnrollmentPage>,
    super::page::samples::<automations::EnrollmentsPage>,
    super::page::samples::<automations::SwitchPage>,
    super::page::samples::<automations::TryPage>,
];
