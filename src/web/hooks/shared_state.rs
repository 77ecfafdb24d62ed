//! The shared state of the webhooks of one process.

use actix_web::web::{Data, ServiceConfig};

use super::key_cache::KeyCache;
use super::status::{self, Reports};
use crate::clock::Clock;
use crate::db::Pool;

/// The shared state of the webhooks of one process: the batcher that commits callbacks, and the
/// cache of keys that verify them.
#[derive(Clone)]
pub struct Hooks {
    reports: Data<Reports>,
    keys: Data<KeyCache>,
}

impl Hooks {
    /// Starts the batcher on the current runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        Self {
            reports: Data::new(status::reports(db.clone(), clock.clone())),
            keys: Data::new(KeyCache::default()),
        }
    }

    /// Registers each part as app data.
    pub(in crate::web) fn register(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.reports.clone()).app_data(self.keys.clone());
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}
