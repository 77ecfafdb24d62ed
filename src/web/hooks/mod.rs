//! The webhooks that Twilio calls: each verifies the call, parses it, runs one transaction, and
//! answers 2xx only after the commit. [`Hooks`] is their shared state. Start reading at [`routes`],
//! then [`verification`].

mod inbound;
mod key_cache;
mod refusal;
mod shared_state;
mod status;
mod verification;
mod webhook_test;

use actix_web::web::{self, ServiceConfig};

pub use shared_state::Hooks;

/// Mounts the webhooks.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    // The busiest first, and without a scope around them: trying one more pattern costs half as
    // much as checking the signature.
    cfg.service(
        web::resource("/hooks/twilio/{connection_id}/status/{message_id}").post(status::receive),
    )
    .service(
        web::resource("/hooks/twilio/{connection_id}/{secret}/status/{message_id}")
            .post(status::receive),
    )
    .service(web::resource("/hooks/twilio/{connection_id}/inbound").post(inbound::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/{secret}/inbound").post(inbound::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/test").post(webhook_test::receive))
    .service(
        web::resource("/hooks/twilio/{connection_id}/{secret}/test").post(webhook_test::receive),
    );
}
