//! Pages of templates: the list, the editor that tries a text out while one types, and the
//! versions.

mod change;
mod editor;
mod estimate;
mod form;
mod history;
mod insertable;
mod list;
mod media;
mod preview;
mod recipient;
mod return_to;
mod samples;
mod saved;
mod test_send;
mod trial;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use self::editor::EditorPage;
pub(in crate::web) use self::history::HistoryPage;
pub(in crate::web) use self::list::ListPage;

/// Mounts `/templates` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list::list))
        .service(web::resource("/templates/new").get(editor::blank).post(editor::create))
        .service(web::resource("/templates/new/try").post(editor::try_new))
        .service(web::resource("/templates/new/discard").post(change::discard_new))
        .service(web::resource("/templates/{id}").get(editor::open).post(editor::change))
        .service(web::resource("/templates/{id}/try").post(editor::try_change))
        .service(web::resource("/templates/{id}/discard").post(change::discard))
        .service(web::resource("/templates/{id}/versions").get(history::list))
        .service(web::resource("/templates/{id}/versions/{version}/restore").post(history::restore))
        .service(web::resource("/templates/{id}/duplicate").post(change::duplicate))
        .service(web::resource("/templates/{id}/archive").post(change::archive))
        .service(web::resource("/templates/{id}/unarchive").post(change::unarchive));
}
