//! The pages of templates. [`list::TemplateListPage`] lists them, [`edit::TemplateEditPage`] is the
//! editor with a live preview, and [`versions::VersionsPage`] compares versions. Start with
//! [`edit`], then [`preview_panel`].

mod actions;
pub(super) mod edit;
mod estimate;
mod form;
mod insertable;
pub(super) mod list;
mod live;
mod media;
mod preview;
mod preview_panel;
mod recipient;
mod return_to;
#[cfg(debug_assertions)]
#[path = "samples/preview.rs"]
mod samples;
mod saved_template;
mod test_send;
pub(super) mod versions;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/templates` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list::list))
        .service(web::resource("/templates/new").get(edit::new).post(edit::create))
        .service(web::resource("/templates/new/try").post(live::show_new))
        .service(web::resource("/templates/new/discard").post(actions::discard_new))
        .service(web::resource("/templates/{id}").get(edit::edit).post(edit::update))
        .service(web::resource("/templates/{id}/try").post(live::show_saved))
        .service(web::resource("/templates/{id}/discard").post(actions::discard))
        .service(web::resource("/templates/{id}/versions").get(versions::list))
        .service(
            web::resource("/templates/{id}/versions/{version}/restore").post(versions::restore),
        )
        .service(web::resource("/templates/{id}/duplicate").post(actions::duplicate))
        .service(web::resource("/templates/{id}/archive").post(actions::archive))
        .service(web::resource("/templates/{id}/unarchive").post(actions::unarchive));
}
