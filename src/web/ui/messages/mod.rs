//! Pages of messages: the list, and one message with everything that became known of it.

mod attempts;
mod chips;
mod export;
mod list;
mod list_query;
mod live;
mod material;
mod news;
mod progress;
mod rows;
mod samples;
mod show;
mod story;
mod views;
mod why;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use self::list::MessageListPage;
pub use self::live::LiveMessages;
pub(super) use self::live::path_of_rows as live_path;
pub(in crate::web) use self::show::MessageShowPage;
pub(in crate::web) use self::views::ViewsPage;

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
