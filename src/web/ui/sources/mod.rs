//! The pages of sources. [`show::SourceShowPage`] is the page of one source: how to send to it, and
//! what has arrived; [`mapping::SourceMappingPage`] edits where its requests have the contact and
//! the event, beside a captured one. Start with [`show`]; [`source_view`] holds what all pages show
//! of a source.

mod action_form;
pub(super) mod action_list;
mod arrivals_chart;
pub(super) mod delivery_list;
pub(super) mod delivery_show;
mod delivery_view;
pub(super) mod list;
pub(super) mod mapping;
mod mapping_form;
mod mapping_result;
pub(super) mod new_action;
mod new_action_preview;
pub(super) mod new_source;
mod sample_paths;
pub(super) mod settings;
pub(super) mod show;
mod snippets;
mod source_buttons;
mod source_choices;
pub(super) mod source_key;
mod source_view;
mod verification_form;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/sources`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/sources").get(list::list))
        .service(web::resource("/sources/new").get(new_source::new).post(new_source::create))
        .service(web::resource("/sources/{id}").get(show::show))
        .service(web::resource("/sources/{id}/mapping").get(mapping::show).post(mapping::submit))
        .service(web::resource("/sources/{id}/mapping/try").post(mapping_result::show))
        .service(web::resource("/sources/{id}/deliveries").get(delivery_list::list))
        .service(web::resource("/sources/{id}/deliveries/{number}").get(delivery_show::show))
        .service(
            web::resource("/sources/{id}/deliveries/{number}/replay").post(delivery_list::replay),
        )
        .service(web::resource("/sources/{id}/actions").get(action_list::list))
        .service(
            web::resource("/sources/{id}/actions/new")
                .get(new_action::new)
                .post(new_action::submit),
        )
        .service(web::resource("/sources/{id}/actions/new/preview").post(new_action_preview::show))
        .service(web::resource("/sources/{id}/settings").get(settings::show).post(settings::save))
        .service(web::resource("/sources/{id}/key").post(source_buttons::replace_key))
        .service(web::resource("/sources/{id}/enable").post(source_buttons::enable))
        .service(web::resource("/sources/{id}/disable").post(source_buttons::disable))
        .service(web::resource("/sources/{id}/delete").post(source_buttons::delete));
}
