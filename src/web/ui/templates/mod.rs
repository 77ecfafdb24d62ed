//! The pages of templates. [`list::TemplateListPage`] lists them, [`edit::TemplateEditPage`] is the
//! editor with a live preview, and [`versions::VersionsPage`] compares versions. Start with
//! [`edit`], then [`preview_panel`].

pub(super) mod edit;
mod form;
mod insertable_snippets;
pub(super) mod list;
mod live_preview;
mod preview;
mod preview_defaults;
mod preview_media;
mod preview_panel;
mod preview_recipient;
pub(super) mod price_estimate;
mod return_to;
#[cfg(debug_assertions)]
#[path = "samples/preview_panel.rs"]
mod samples;
mod saved_template;
mod template_buttons;
mod test_send;
pub(super) mod versions;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/templates` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list::list))
        .service(web::resource("/templates/new").get(edit::new).post(edit::create))
        .service(web::resource("/templates/new/try").post(live_preview::show_new))
        .service(web::resource("/templates/new/discard").post(template_buttons::discard_new))
        .service(web::resource("/templates/{id}").get(edit::edit).post(edit::update))
        .service(web::resource("/templates/{id}/try").post(live_preview::show_saved))
        .service(web::resource("/templates/{id}/discard").post(template_buttons::discard))
        .service(web::resource("/templates/{id}/versions").get(versions::list))
        .service(
            web::resource("/templates/{id}/versions/{version}/restore").post(versions::restore),
        )
        .service(web::resource("/templates/{id}/duplicate").post(template_buttons::duplicate))
        .service(web::resource("/templates/{id}/archive").post(template_buttons::archive))
        .service(web::resource("/templates/{id}/unarchive").post(template_buttons::unarchive));
}
