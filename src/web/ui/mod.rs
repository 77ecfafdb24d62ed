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
#[cfg(debug_assertions)]
use samples::SamplePage;

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
pub(super) const PAGES: &[SamplePage] = &[
    SamplePage::of::<error_page::ErrorPage>(),
    SamplePage::of::<error_page::StrangersErrorPage>(),
    SamplePage::of::<home::HomePage>(),
    SamplePage::of::<setup::SetupPage>(),
    SamplePage::of::<log_in::LogInPage>(),
    SamplePage::of::<join::JoinPage>(),
    SamplePage::of::<reset::ResetPage>(),
    SamplePage::of::<account::AccountPage>(),
    SamplePage::of::<settings::users::UsersPage>(),
    SamplePage::of::<settings::user::UserPage>(),
    SamplePage::of::<settings::invite::InvitePage>(),
    SamplePage::of::<settings::secret::SecretPage>(),
    SamplePage::of::<settings::keys::ApiKeysPage>(),
    SamplePage::of::<settings::new_key::NewKeyPage>(),
    SamplePage::of::<settings::organization::OrganizationPage>(),
    SamplePage::of::<settings::opt_out_words::OptOutWordsPage>(),
    SamplePage::of::<settings::audit_log::AuditLogPage>(),
    SamplePage::of::<admin::work::WorkPage>(),
    SamplePage::of::<admin::failed::FailedPage>(),
    SamplePage::of::<admin::set_aside::SetAsidePage>(),
    SamplePage::of::<admin::retry::JobRetryPage>(),
    SamplePage::of::<admin::database::DatabasePage>(),
    SamplePage::of::<admin::system::SystemPage>(),
    SamplePage::of::<contacts::list::ContactListPage>(),
    SamplePage::of::<contacts::show::ContactShowPage>(),
    SamplePage::of::<contacts::edit::ContactEditPage>(),
    SamplePage::of::<contacts::delete::ContactDeletePage>(),
    SamplePage::of::<contacts::bulk_tag::BulkTagPage>(),
    SamplePage::of::<messages::list::MessageListPage>(),
    SamplePage::of::<messages::show::MessageShowPage>(),
    SamplePage::of::<messages::views::ViewsPage>(),
    SamplePage::of::<ledger::show::LedgerShowPage>(),
    SamplePage::of::<ledger::resend::LedgerResendPage>(),
    SamplePage::of::<templates::list::TemplateListPage>(),
    SamplePage::of::<templates::edit::TemplateEditPage>(),
    SamplePage::of::<templates::versions::VersionsPage>(),
    SamplePage::of::<connections::list::ConnectionListPage>(),
    SamplePage::of::<connections::connect::ConnectPage>(),
    SamplePage::of::<connections::show::ConnectionShowPage>(),
    SamplePage::of::<connections::health::HealthPage>(),
    SamplePage::of::<connections::keys::ConnectionKeysPage>(),
    SamplePage::of::<connections::limits::LimitsPage>(),
    SamplePage::of::<connections::add_sender::AddSenderPage>(),
    SamplePage::of::<connections::rejected::RejectedPage>(),
    SamplePage::of::<automations::list::AutomationListPage>(),
    SamplePage::of::<automations::show::AutomationShowPage>(),
    SamplePage::of::<automations::edit::AutomationEditPage>(),
    SamplePage::of::<automations::enrollment::EnrollmentPage>(),
    SamplePage::of::<automations::enrollments::EnrollmentsPage>(),
    SamplePage::of::<automations::switch::SwitchPage>(),
    SamplePage::of::<automations::dry_run::DryRunPage>(),
];

/// Renders every sample of the pages whose template is selected, in one variation; links start with
/// the path of `public_url`. Template errors are collected and returned together, each with its
/// file and line.
#[cfg(debug_assertions)]
pub fn samples_of(
    public_url: &crate::types::public_url::PublicUrl,
    kind: samples::Variation,
    is_selected: impl Fn(&str) -> bool,
) -> Result<Vec<samples::Sample>, tera::Error> {
    let pages = super::Pages::load(public_url)?;
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for page in PAGES.iter().filter(|page| is_selected(page.template)) {
        match (page.render)(&pages, kind) {
            Ok(samples) => all.extend(samples),
            Err(error) => wrong.push(format!("{error:?}")),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(tera::Error::message(wrong.join("\n"))) }
}
