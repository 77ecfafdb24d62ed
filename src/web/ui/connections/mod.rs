//! The pages of the Connection Center. [`show::ConnectionShowPage`] is the page of one connection
//! with its senders, [`health::HealthPage`] compares it with Twilio, and [`connect::ConnectPage`]
//! connects an account. Start with [`show`]; [`view`] has the types that several pages share.

mod actions;
pub(super) mod add_sender;
pub(super) mod connect;
pub(super) mod health;
pub(super) mod keys;
pub(super) mod limits;
pub(super) mod list;
mod public_address;
mod queue;
pub(super) mod rejected;
mod secret;
pub(super) mod show;
mod test_input;
mod test_message;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/connections` and the routes that change senders.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").get(list::list).post(connect::connect))
        .service(web::resource("/connections/new").get(connect::show))
        .configure(rejected::routes)
        .configure(show::routes)
        .configure(health::routes)
        .configure(actions::routes)
        .configure(test_message::routes)
        .configure(keys::routes)
        .configure(limits::routes)
        .configure(add_sender::routes);
}
