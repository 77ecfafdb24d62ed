//! Pages of templates: the list, and the editor with its preview and test message.

mod editor;
mod form;
mod list;
mod preview;
mod return_to;

use actix_web::web::{self, ServiceConfig};

#[cfg(test)]
pub(in crate::web) use self::{editor::EditorPage, list::ListPage};

/// Mounts `/templates` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list::list))
        .service(web::resource("/templates/new").get(editor::blank).post(editor::create))
        .service(web::resource("/templates/{id}").get(editor::open).post(editor::change))
        .service(web::resource("/templates/{id}/archive").post(list::archive))
        .service(web::resource("/templates/{id}/restore").post(list::restore));
}
