//! The pages of automations: list, editor, one automation, one enrollment.

mod action;
mod detail;
mod editor;
mod enrollment;
mod form;
mod list;
pub(super) mod words;

use actix_web::web::{self, ServiceConfig};

#[cfg(test)]
pub(in crate::web) use detail::AutomationPage;
#[cfg(test)]
pub(in crate::web) use editor::EditorPage;
#[cfg(test)]
pub(in crate::web) use enrollment::EnrollmentPage;
#[cfg(test)]
pub(in crate::web) use list::AutomationsPage;

/// Mounts `/automations` and `/enrollments`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/automations").get(list::show))
        .service(web::resource("/automations/new").get(editor::new).post(editor::create))
        .service(web::resource("/automations/{id}").get(detail::show))
        .service(web::resource("/automations/{id}/edit").get(editor::edit).post(editor::update))
        .service(web::resource("/automations/{id}/activate").post(detail::activate))
        .service(web::resource("/automations/{id}/pause").post(detail::pause))
        .service(web::resource("/enrollments/{id}").get(enrollment::show));
}
