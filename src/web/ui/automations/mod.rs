//! The pages of automations and enrollments. [`edit::AutomationEditPage`] is the editor, whose
//! input is [`form::AutomationForm`]; [`show::AutomationShowPage`] is the page of one automation.
//! Start with [`edit`]; [`sentences`] turns triggers and steps into text.

mod activation_problems;
mod automation_buttons;
pub(super) mod dry_run;
pub(super) mod edit;
mod editor_buttons;
mod editor_choices;
pub(super) mod enrollment_list;
pub(super) mod enrollment_show;
mod flow;
mod focus;
mod form;
mod how_to_start;
pub(super) mod list;
mod panel;
mod removed_step;
mod saving;
pub(super) mod sentences;
pub(super) mod show;
pub(super) mod starters;
mod step_and_condition_edits;
mod step_form;
mod step_numbers;
pub(super) mod switch;
pub(super) mod test_event;
mod time_units;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/automations` and `/enrollments`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/automations").get(list::list))
        .service(web::resource("/automations/new").get(edit::new).post(edit::create))
        .service(web::resource("/automations/starters").get(starters::show).post(starters::create))
        .service(web::resource("/automations/{id}").get(show::show))
        .service(web::resource("/automations/{id}/edit").get(edit::edit).post(edit::update))
        .service(web::resource("/automations/{id}/try").get(dry_run::show))
        .service(
            web::resource("/automations/{id}/test-event")
                .get(test_event::show)
                .post(test_event::send),
        )
        .service(web::resource("/automations/{id}/enrollments").get(enrollment_list::show))
        .service(
            web::resource("/automations/{id}/activate")
                .get(switch::confirm_activate)
                .post(switch::activate),
        )
        .service(
            web::resource("/automations/{id}/pause").get(switch::confirm_pause).post(switch::pause),
        )
        .service(web::resource("/automations/{id}/duplicate").post(automation_buttons::duplicate))
        .service(web::resource("/automations/{id}/archive").post(automation_buttons::archive))
        .service(web::resource("/automations/{id}/unarchive").post(automation_buttons::unarchive))
        .service(web::resource("/automations/{id}/delete").post(automation_buttons::delete))
        .service(web::resource("/enrollments/{id}").get(enrollment_show::show));
}
