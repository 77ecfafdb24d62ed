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
pub(super) const PAGES: &[super::samples::Samples] = &[
    super::samples::of_page::<error::ErrorPage>,
    super::samples::of_page::<error::StrangersErrorPage>,
    super::samples::of_page::<home::HomePage>,
    super::samples::of_page::<setup::SetupPage>,
    super::samples::of_page::<log_in::LogInPage>,
    super::samples::of_page::<join::JoinPage>,
    super::samples::of_page::<join::ResetPage>,
    super::samples::of_page::<account::AccountPage>,
    super::samples::of_page::<settings::UsersPage>,
    super::samples::of_page::<settings::UserPage>,
    super::samples::of_page::<settings::InvitePage>,
    super::samples::of_page::<settings::LinkPage>,
    super::samples::of_page::<settings::KeysPage>,
    super::samples::of_page::<settings::NewKeyPage>,
    super::samples::of_page::<settings::OrganizationPage>,
    super::samples::of_page::<settings::OptOutWordsPage>,
    super::samples::of_page::<settings::LogPage>,
    super::samples::of_page::<admin::WorkPage>,
    super::samples::of_page::<admin::FailedPage>,
    super::samples::of_page::<admin::SetAsidePage>,
    super::samples::of_page::<admin::RetryPage>,
    super::samples::of_page::<admin::DatabasePage>,
    super::samples::of_page::<admin::SystemPage>,
    super::samples::of_page::<contacts::ListPage>,
    super::samples::of_page::<contacts::ShowPage>,
    super::samples::of_page::<contacts::EditPage>,
    super::samples::of_page::<contacts::DeletePage>,
    super::samples::of_page::<contacts::BulkPage>,
    super::samples::of_page::<messages::ListPage>,
    super::samples::of_page::<messages::MessagePage>,
    super::samples::of_page::<messages::ViewsPage>,
    super::samples::of_page::<ledger::LedgerPage>,
    super::samples::of_page::<ledger::RetryPage>,
    super::samples::of_page::<templates::ListPage>,
    super::samples::of_page::<templates::EditorPage>,
    super::samples::of_page::<templates::HistoryPage>,
    super::samples::of_page::<connections::ConnectionsPage>,
    super::samples::of_page::<connections::ConnectPage>,
    super::samples::of_page::<connections::show::ConnectionPage>,
    super::samples::of_page::<connections::health::HealthPage>,
    super::samples::of_page::<connections::keys::KeysPage>,
    super::samples::of_page::<connections::limits::LimitsPage>,
    super::samples::of_page::<connections::add_sender::AddSenderPage>,
    super::samples::of_page::<connections::rejected::RejectedPage>,
    super::samples::of_page::<automations::AutomationsPage>,
    super::samples::of_page::<automations::AutomationPage>,
    super::samples::of_page::<automations::EditorPage>,
    super::samples::of_page::<automations::EnrollmentPage>,
    super::samples::of_page::<automations::EnrollmentsPage>,
    super::samples::of_page::<automations::SwitchPage>,
    super::samples::of_page::<automations::TryPage>,
];
