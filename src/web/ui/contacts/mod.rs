//! The pages of contacts. [`list::ContactListPage`] lists them, [`show::ContactShowPage`] shows the
//! conversation with one, the box to send a message and the facts, and [`edit::ContactEditPage`] is
//! the form. Start with [`show`].

pub(super) mod bulk_tag;
mod composer;
mod composer_buttons;
mod composer_form;
mod composer_preview;
pub(super) mod delete;
pub(super) mod edit;
mod facts;
mod form;
pub(super) mod list;
#[cfg(debug_assertions)]
#[path = "samples/shared_contacts.rs"]
mod samples;
pub(super) mod show;
mod suppression_buttons;
mod tag_buttons;
mod timeline;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/contacts` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/contacts").get(list::list).post(edit::create))
        .service(web::resource("/contacts/new").get(edit::new))
        .service(web::resource("/contacts/tag").get(bulk_tag::show).post(bulk_tag::apply))
        .service(web::resource("/contacts/{id}").get(show::show))
        .service(web::resource("/contacts/{id}/edit").get(edit::edit).post(edit::update))
        .service(web::resource("/contacts/{id}/delete").get(delete::show).post(delete::submit))
        .service(web::resource("/contacts/{id}/messages").post(composer_buttons::send))
        .service(web::resource("/contacts/{id}/messages/preview").post(composer_preview::show))
        .service(web::resource("/contacts/{id}/tags").post(tag_buttons::add))
        .service(web::resource("/contacts/{id}/tags/remove").post(tag_buttons::remove))
        .service(web::resource("/contacts/{id}/suppress").post(suppression_buttons::suppress))
        .service(web::resource("/contacts/{id}/lift").post(suppression_buttons::lift))
        .service(web::resource("/contacts/{id}/lift-stop").post(suppression_buttons::lift_stop))
        .service(
            web::resource("/contacts/{id}/undo-opt-out").post(suppression_buttons::undo_reading),
        );
}
