//! The webhooks that Twilio calls: each verifies the call, parses it, runs one transaction, and
//! answers 2xx only after the commit. [`Hooks`] is their shared state. Start reading at [`routes`],
//! then `verify.rs`.

mod inbound;
mod keys;
mod refusal;
mod status;
mod test;
mod verify;

use actix_web::web::{self, Data, ServiceConfig};

use crate::clock::Clock;
use crate::db::Pool;

/// The shared state of the webhooks of one process: the batcher that commits callbacks, and the
/// cache of keys that verify them.
#[derive(Clone)]
pub struct Hooks {
    reports: Data<status::Reports>,
    keys: Data<keys::KeyCache>,
}

impl Hooks {
    /// Starts the batcher on the current runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        Self {
            reports: Data::new(status::reports(db.clone(), clock.clone())),
            keys: Data::new(keys::KeyCache::default()),
        }
    }

    /// Registers each part as app data.
    pub(super) fn register(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.reports.clone()).app_data(self.keys.clone());
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}

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
    .service(web::resource("/hooks/twilio/{connection_id}/test").post(test::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/{secret}/test").post(test::receive));
}
