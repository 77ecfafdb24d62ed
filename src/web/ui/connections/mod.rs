//! The pages of the Connection Center. [`show::ConnectionShowPage`] is the page of one connection
//! with its senders, [`health::HealthPage`] compares it with Twilio, and [`connect::ConnectPage`]
//! connects an account. Start with [`show`]; [`connection_view`] and [`sender_view`] hold what
//! several pages show of a connection and of a sender.

pub(super) mod add_sender;
pub(super) mod connect;
mod connection_view;
pub(super) mod health;
mod key_fields;
pub(super) mod keys;
mod limit_labels;
pub(super) mod list;
mod public_address;
mod queue_view;
pub(super) mod rejected_webhooks;
mod sender_buttons;
pub(super) mod sender_limits;
mod sender_view;
pub(super) mod show;
mod test_message;
mod test_message_input;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/connections` and the routes that change senders.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").get(list::list).post(connect::submit))
        .service(web::resource("/connections/new").get(connect::show))
        .configure(rejected_webhooks::routes)
        .configure(show::routes)
        .configure(health::routes)
        .configure(sender_buttons::routes)
        .configure(test_message::routes)
        .configure(keys::routes)
        .configure(sender_limits::routes)
        .configure(add_sender::routes);
}
