//! The pages of automations: list, editor, one automation, trying it, switching it, its
//! enrollments.

mod action;
mod choices;
mod edit;
mod enrollment;
mod enrollments;
mod form;
mod list;
mod problems;
mod show;
mod switch;
mod trial;
pub(super) mod words;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use edit::AutomationEditPage;
#[cfg(debug_assertions)]
pub(in crate::web) use enrollment::EnrollmentPage;
#[cfg(debug_assertions)]
pub(in crate::web) use enrollments::EnrollmentsPage;
#[cfg(debug_assertions)]
pub(in crate::web) use list::AutomationListPage;
#[cfg(debug_assertions)]
pub(in crate::web) use show::AutomationShowPage;
#[cfg(debug_assertions)]
pub(in crate::web) use switch::SwitchPage;
#[cfg(debug_assertions)]
pub(in crate::web) use trial::TrialPage;

/// Mounts `/automations` and `/enrollments`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/automations").get(list::list))
        .service(web::resource("/automations/new").get(edit::new).post(edit::create))
        .service(web::resource("/automations/{id}").get(show::show))
        .service(web::resource("/automations/{id}/edit").get(edit::edit).post(edit::update))
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
