//! The HTML pages, one module per group. Each group mounts its handlers in `routes`; the list of
//! all [`Page`](super::Page) types is `page_samples/page_list.rs`, and tests render each in every
//! state. Start with [`routes`]; `contacts` is a typical group.

mod account;
mod admin;
mod automations;
mod choice;
mod connections;
mod contacts;
mod error;
mod error_pages;
mod home;
mod join;
mod layout;
mod ledger;
mod locale_choices;
mod log_in;
mod messages;
#[cfg(debug_assertions)]
pub mod page_samples;
mod password_reset;
mod preview_contacts;
mod preview_event;
#[cfg(debug_assertions)]
#[path = "samples/user.rs"]
mod samples;
mod settings;
mod setup;
mod strangers_error;
mod templates;
mod visit;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, PayloadConfig, ServiceConfig};

use super::http::csrf;
use super::http::error::PageError;
use super::http::form::MAX_FORM_BYTES;

pub use choice::Choice;
pub use messages::LiveMessages;
pub use visit::Visit;

/// Mounts all pages. Every POST is checked for its CSRF token, and every error is rendered as a
/// page.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("")
            .app_data(PayloadConfig::new(MAX_FORM_BYTES))
            .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
            .wrap(from_fn(csrf::check))
            .wrap(from_fn(error_pages::show))
            .wrap(Compress::default())
            .configure(home::routes)
            .configure(setup::routes)
            .configure(log_in::routes)
            .configure(join::routes)
            .configure(password_reset::routes)
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
