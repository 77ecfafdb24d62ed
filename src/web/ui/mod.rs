//! The HTML pages, one module per group. Each group mounts its handlers in `routes`; the list of
//! all [`Page`](super::Page) types is `page_samples/page_list.rs`, and tests render each in every
//! state. Start with [`routes`]; `contacts` is a typical group.

mod account;
mod admin;
mod api_reference;
mod appearance;
mod automations;
mod bar_geometry;
mod choice;
mod connections;
mod contacts;
mod curl;
mod error;
mod error_pages;
mod forgot_password;
mod home;
mod join;
mod layout;
mod ledger;
mod locale_choices;
mod log_in;
mod log_in_turn;
mod made_up_contact;
mod messages;
#[cfg(debug_assertions)]
pub mod page_samples;
mod password_reset;
mod preview_contacts;
mod preview_event;
#[cfg(debug_assertions)]
#[path = "samples/user.rs"]
mod samples;
mod search;
mod settings;
mod setup;
mod shortcuts;
mod sources;
pub(in crate::web) mod status_words;
mod strangers_error;
mod style_guide;
mod templates;
mod typed_secret;
mod visit;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, PayloadConfig, ServiceConfig};

use super::http::error::PageError;
use super::http::form::MAX_FORM_BYTES;
use super::http::form_guard;

pub use choice::Choice;
pub use messages::LiveMessages;
pub use visit::Visit;

/// Mounts the API reference, in front of the API: its scope answers every other path below `/api`.
pub fn api_reference_routes(cfg: &mut ServiceConfig) {
    api_reference::routes(cfg);
}

/// Mounts all other pages. Every POST is checked for its CSRF token, and every error is rendered as
/// a page.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("")
            .app_data(PayloadConfig::new(MAX_FORM_BYTES))
            .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
            .wrap(from_fn(form_guard::check))
            .wrap(from_fn(error_pages::show))
            .wrap(Compress::default())
            .configure(home::routes)
            .configure(setup::routes)
            .configure(log_in::routes)
            .configure(forgot_password::routes)
            .configure(join::routes)
            .configure(password_reset::routes)
            .configure(account::routes)
            .configure(appearance::routes)
            .configure(shortcuts::routes)
            .configure(style_guide::routes)
            .configure(settings::routes)
            .configure(admin::routes)
            .configure(contacts::routes)
            .configure(templates::routes)
            .configure(automations::routes)
            .configure(connections::routes)
            .configure(sources::routes)
            .configure(messages::routes)
            .configure(ledger::routes)
            .configure(search::routes)
            .default_service(web::to(async || -> Result<&'static str, PageError> {
                Err(PageError::NotFound("page"))
            })),
    );
}
