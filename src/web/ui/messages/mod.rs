//! Pages of messages: the list, and one message with everything that became known of it.

mod attempts;
mod chips;
mod export;
pub(super) mod list;
mod list_query;
mod live;
mod material;
mod news;
mod progress;
mod rows;
#[cfg(debug_assertions)]
#[path = "samples/messages.rs"]
mod samples;
pub(super) mod show;
mod story;
pub(super) mod views;
mod why;

use actix_web::web::{self, ServiceConfig};

pub use self::live::LiveMessages;
pub(super) use self::live::path_of_rows as live_path;

/// Mounts `/messages` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/messages").get(list::list))
        .service(web::resource("/messages/live").get(live::live))
        .service(web::resource("/messages/export").get(export::export))
        .service(web::resource("/messages/views").get(views::show).post(views::create))
        .service(web::resource("/messages/views/{id}").post(views::rename))
        .service(web::resource("/messages/views/{id}/delete").post(views::delete))
        .service(web::resource("/messages/{id}").get(show::show))
        .service(web::resource("/messages/{id}/progress").get(show::progress));
}
