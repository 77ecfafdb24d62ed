//! Pages of messages: the list, and one message with everything that became known of it.

mod attempts;
mod list;
mod progress;
mod samples;
mod show;
mod story;
mod wanted;
mod why;

use actix_web::web::{self, ServiceConfig};

#[cfg(test)]
pub(in crate::web) use self::{list::ListPage, show::MessagePage};

/// Mounts `/messages` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/messages").get(list::list))
        .service(web::resource("/messages/{id}").get(show::show))
        .service(web::resource("/messages/{id}/progress").get(show::progress));
}
