//! The pages of messages. [`list::MessageListPage`] lists them, [`show::MessageShowPage`] shows
//! one, [`new_message::NewMessagePage`] sends one, and [`LiveMessages`] keeps open pages current.
//! Start with [`list`], then [`history`], which turns the history of a message into text.

mod attempts_and_reports;
mod channel;
mod export;
mod filter_chips;
mod history;
mod history_words;
pub(super) mod list;
mod list_query;
mod list_rows;
mod live_messages;
mod live_updates;
mod loaded_message;
mod message_panel;
mod message_view;
pub(super) mod new_message;
mod new_message_count;
mod new_message_form;
mod new_message_preview;
mod polled_part;
mod reasons;
#[cfg(debug_assertions)]
#[path = "samples/messages.rs"]
mod samples;
pub(super) mod saved_views;
pub(super) mod show;
mod time_groups;
mod view_tabs;

use actix_web::web::{self, ServiceConfig};

pub use live_messages::LiveMessages;
pub(super) use live_updates::conversation_updates_path;
pub(super) use reasons::short_reason;

/// Mounts `/messages` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/messages").get(list::list))
        .service(web::resource("/messages/live").get(live_updates::stream))
        .service(web::resource("/messages/export").get(export::download))
        .service(web::resource("/messages/views").get(saved_views::show).post(saved_views::create))
        .service(web::resource("/messages/views/{id}").post(saved_views::rename))
        .service(web::resource("/messages/views/{id}/delete").post(saved_views::delete))
        .service(web::resource("/messages/new").get(new_message::new).post(new_message::submit))
        .service(web::resource("/messages/new/preview").post(new_message_preview::show))
        .service(web::resource("/messages/{id}").get(show::show))
        .service(web::resource("/messages/{id}/panel").get(message_panel::show))
        .service(web::resource("/messages/{id}/progress").get(show::progress));
}
