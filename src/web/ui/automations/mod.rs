//! The pages of automations: list, editor, one automation, trying it, switching it, its
//! enrollments.

mod action;
mod choices;
pub(super) mod edit;
pub(super) mod enrollment;
pub(super) mod enrollments;
mod form;
pub(super) mod list;
mod problems;
pub(super) mod show;
mod step_form;
pub(super) mod switch;
pub(super) mod trial;
mod units;
pub(super) mod words;

use actix_web::web::{self, ServiceConfig};

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
