//! The pages of messages. [`list::MessageListPage`] lists them, [`show::MessageShowPage`] shows
//! one, and [`LiveMessages`] keeps open pages up to date. Start with [`list`], then [`history`],
//! which turns the history of a message into text.

mod attempts;
mod chips;
mod details;
mod export;
mod history;
pub(super) mod list;
mod list_query;
mod live;
mod new_messages;
mod progress;
mod reasons;
mod rows;
#[cfg(debug_assertions)]
#[path = "samples/messages.rs"]
mod samples;
pub(super) mod show;
pub(super) mod views;

use actix_web::web::{self, ServiceConfig};

pub use self::live::LiveMessages;
pub(super) use self::live::live_path;

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
