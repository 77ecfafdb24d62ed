//! Pages of templates: the list, the editor that tries a text out while one types, and the
//! versions.

mod change;
pub(super) mod edit;
mod estimate;
mod form;
mod insertable;
pub(super) mod list;
mod live;
mod media;
mod preview;
mod recipient;
mod return_to;
#[cfg(debug_assertions)]
#[path = "samples/contact.rs"]
mod samples;
mod saved;
mod test_send;
mod trial;
pub(super) mod versions;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/templates` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list::list))
        .service(web::resource("/templates/new").get(edit::blank).post(edit::create))
        .service(web::resource("/templates/new/try").post(live::try_new))
        .service(web::resource("/templates/new/discard").post(change::discard_new))
        .service(web::resource("/templates/{id}").get(edit::open).post(edit::change))
        .service(web::resource("/templates/{id}/try").post(live::try_change))
        .service(web::resource("/templates/{id}/discard").post(change::discard))
        .service(web::resource("/templates/{id}/versions").get(versions::list))
        .service(
            web::resource("/templates/{id}/versions/{version}/restore").post(versions::restore),
        )
        .service(web::resource("/templates/{id}/duplicate").post(change::duplicate))
        .service(web::resource("/templates/{id}/archive").post(change::archive))
        .service(web::resource("/templates/{id}/unarchive").post(change::unarchive));
}
