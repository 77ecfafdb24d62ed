//! The pages of automations: list, editor, one automation, trying it, switching it, its
//! enrollments.

mod action;
mod choices;
mod detail;
mod editor;
mod enrollment;
mod enrollments;
mod form;
mod list;
mod problems;
mod switch;
mod trial;
pub(super) mod words;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use detail::AutomationPage;
#[cfg(debug_assertions)]
pub(in crate::web) use editor::EditorPage;
#[cfg(debug_assertions)]
pub(in crate::web) use enrollment::EnrollmentPage;
#[cfg(debug_assertions)]
pub(in crate::web) use enrollments::EnrollmentsPage;
#[cfg(debug_assertions)]
pub(in crate::web) use list::AutomationsPage;
#[cfg(debug_assertions)]
pub(in crate::web) use switch::SwitchPage;
#[cfg(debug_assertions)]
pub(in crate::web) use trial::TryPage;

/// Mounts `/automations` and `/enrollments`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/automations").get(list::show))
        .service(web::resource("/automations/new").get(editor::new).post(editor::create))
        .service(web::resource("/automations/{id}").get(detail::show))
        .service(web::resource("/automations/{id}/edit").get(editor::edit).post(editor::update))
        .service(web::resource("/automations/{id}/try").get(trial::show))
        .service(web::resource("/automations/{id}/enrollments").get(enrollments::show))
        .service(
            web::resource("/automations/{id}/activate")
                .get(switch::ask_activate)
                .post(switch::activate),
        )
        .service(
            web::resource("/automations/{id}/pause").get(switch::ask_pause).post(switch::pause),
        )
        .service(web::resource("/enrollments/{id}").get(enrollment::show));
}
