//! Pages of contacts: list, form, detail with tags, consent and timeline.

mod bulk_tag;
mod consent;
mod delete;
mod edit;
mod form;
mod list;
mod show;
mod tags;
mod timeline;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use self::bulk_tag::BulkTagPage;
pub(in crate::web) use self::delete::ContactDeletePage;
pub(in crate::web) use self::edit::ContactEditPage;
pub(in crate::web) use self::list::ContactListPage;
pub(in crate::web) use self::show::ContactShowPage;

/// Mounts `/contacts` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/contacts").get(list::list).post(edit::create))
        .service(web::resource("/contacts/new").get(edit::blank))
        .service(web::resource("/contacts/tag").get(bulk_tag::ask).post(bulk_tag::apply))
        .service(web::resource("/contacts/{id}").get(show::show))
        .service(web::resource("/contacts/{id}/edit").get(edit::edit).post(edit::update))
        .service(web::resource("/contacts/{id}/delete").get(delete::ask).post(delete::delete))
        .service(web::resource("/contacts/{id}/tags").post(tags::add))
        .service(web::resource("/contacts/{id}/tags/remove").post(tags::remove))
        .service(web::resource("/contacts/{id}/suppress").post(consent::suppress))
        .service(web::resource("/contacts/{id}/lift").post(consent::lift))
        .service(web::resource("/contacts/{id}/lift-stop").post(consent::lift_stop))
        .service(web::resource("/contacts/{id}/undo-opt-out").post(consent::undo_reading));
}
