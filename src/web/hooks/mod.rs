//! The hooks that Twilio calls: signature first, then parse, then one transaction; 2xx only after
//! its commit.

mod inbound;
mod keys;
mod refusal;
mod status;
mod test;
mod verify;

use actix_web::web::{self, Data, ServiceConfig};

use crate::clock::Clock;
use crate::db::Pool;

/// What the hooks of a process share: the batch that callbacks commit in, and the keys that verify
/// them.
#[derive(Clone)]
pub struct Hooks {
    reports: Data<status::Reports>,
    keys: Data<keys::KeyCache>,
}

impl Hooks {
    /// Starts the batcher on the present runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        Self {
            reports: Data::new(status::reports(db.clone(), clock.clone())),
            keys: Data::new(keys::KeyCache::default()),
        }
    }

    /// Registers each as data of the application.
    pub(super) fn register(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.reports.clone()).app_data(self.keys.clone());
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}

/// Mounts the hooks.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    // The busiest first, and without a scope around them: each pattern that is tried costs half as
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
