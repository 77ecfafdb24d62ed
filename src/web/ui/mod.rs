//! The HTML pages, one module per group. Each group mounts its handlers in `routes` and lists its
//! [`Page`](super::Page) types in `PAGES`, which the tests render in every state. Start with
//! [`routes`]; `contacts` is a typical group.

mod account;
mod admin;
mod automations;
mod choice;
mod connections;
mod contact_choice;
mod contacts;
mod event_choice;
mod home;
mod join;
mod ledger;
mod log_in;
mod messages;
mod reset;
#[cfg(debug_assertions)]
pub mod samples;
mod settings;
mod setup;
mod templates;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, PayloadConfig, ServiceConfig};

use super::http::error::PageError;
use super::http::form::MAX_FORM_BYTES;
use super::http::{csrf, error_page};

pub use self::choice::Choice;
pub use self::messages::LiveMessages;

/// Mounts all pages. Every POST is checked for its CSRF token, and every error is rendered as a
/// page.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("")
            .app_data(PayloadConfig::new(MAX_FORM_BYTES))
            .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
            .wrap(from_fn(csrf::check))
            .wrap(from_fn(error_page::show))
            .wrap(Compress::default())
            .configure(home::routes)
            .configure(setup::routes)
            .configure(log_in::routes)
            .configure(join::routes)
            .configure(reset::routes)
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

/// All pages. Tests render the samples of each, and report page templates that no entry uses.
#[cfg(debug_assertions)]
pub(super) const PAGES: &[samples::RenderSamples] = &[
    samples::of_page::<error_page::ErrorPage>,
    samples::of_page::<error_page::StrangersErrorPage>,
    samples::of_page::<home::HomePage>,
    samples::of_page::<setup::SetupPage>,
    samples::of_page::<log_in::LogInPage>,
    samples::of_page::<join::JoinPage>,
    samples::of_page::<reset::ResetPage>,
    samples::of_page::<account::AccountPage>,
    samples::of_page::<settings::users::UsersPage>,
    samples::of_page::<settings::user::UserPage>,
    samples::of_page::<settings::invite::InvitePage>,
    samples::of_page::<settings::secret::SecretPage>,
    samples::of_page::<settings::keys::ApiKeysPage>,
    samples::of_page::<settings::new_key::NewKeyPage>,
    samples::of_page::<settings::organization::OrganizationPage>,
    samples::of_page::<settings::opt_out_words::OptOutWordsPage>,
    samples::of_page::<settings::audit_log::AuditLogPage>,
    samples::of_page::<admin::work::WorkPage>,
    samples::of_page::<admin::failed::FailedPage>,
    samples::of_page::<admin::set_aside::SetAsidePage>,
    samples::of_page::<admin::retry::JobRetryPage>,
    samples::of_page::<admin::database::DatabasePage>,
    samples::of_page::<admin::system::SystemPage>,
    samples::of_page::<contacts::list::ContactListPage>,
    samples::of_page::<contacts::show::ContactShowPage>,
    samples::of_page::<contacts::edit::ContactEditPage>,
    samples::of_page::<contacts::delete::ContactDeletePage>,
    samples::of_page::<contacts::bulk_tag::BulkTagPage>,
    samples::of_page::<messages::list::MessageListPage>,
    samples::of_page::<messages::show::MessageShowPage>,
    samples::of_page::<messages::views::ViewsPage>,
    samples::of_page::<ledger::show::LedgerShowPage>,
    samples::of_page::<ledger::resend::LedgerResendPage>,
    samples::of_page::<templates::list::TemplateListPage>,
    samples::of_page::<templates::edit::TemplateEditPage>,
    samples::of_page::<templates::versions::VersionsPage>,
    samples::of_page::<connections::list::ConnectionListPage>,
    samples::of_page::<connections::connect::ConnectPage>,
    samples::of_page::<connections::show::ConnectionShowPage>,
    samples::of_page::<connections::health::HealthPage>,
    samples::of_page::<connections::keys::ConnectionKeysPage>,
    samples::of_page::<connections::limits::LimitsPage>,
    samples::of_page::<connections::add_sender::AddSenderPage>,
    samples::of_page::<connections::rejected::RejectedPage>,
    samples::of_page::<automations::list::AutomationListPage>,
    samples::of_page::<automations::show::AutomationShowPage>,
    samples::of_page::<automations::edit::AutomationEditPage>,
    samples::of_page::<automations::enrollment::EnrollmentPage>,
    samples::of_page::<automations::enrollments::EnrollmentsPage>,
    samples::of_page::<automations::switch::SwitchPage>,
    samples::of_page::<automations::dry_run::DryRunPage>,
];

/// Renders every sample of every page in one variation; links start with the path of `public_url`.
/// Template errors are collected and returned together, each with its file and line.
#[cfg(debug_assertions)]
pub fn every_sample(
    public_url: &crate::types::public_url::PublicUrl,
    kind: samples::Variation,
) -> Result<Vec<samples::Sample>, tera::Error> {
    let pages = super::Pages::load(public_url)?;
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for of_page in PAGES {
        match of_page(&pages, kind) {
            Ok(samples) => all.extend(samples),
            Err(error) => wrong.push(format!("{error:?}")),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(tera::Error::message(wrong.join("\n"))) }
}
