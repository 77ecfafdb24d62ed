//! What a process takes in at once: connections, bodies of requests, and what is unpacked of them.

mod body;
mod content_coding;
mod guard;
mod unpack;

use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::Semaphore;

pub(in crate::web) use self::body::{Body, BodyFailure};
pub(in crate::web) use self::content_coding::ContentCoding;
pub(in crate::web) use self::guard::guard;
pub(in crate::web) use self::unpack::{UnpackError, gunzip};
use super::server::connections::{ConnectionLimits, Connections};
use crate::config::Config;

/// A body may arrive as slowly as this, and an answer be read as slowly; slower is no progress.
pub(in crate::web) const MIN_BYTES_PER_SECOND: usize = 1_024;
/// The most that the bodies of all requests hold at once, beyond what each has for itself.
const BODIES_BYTES: usize = 64 << 20;
/// What every body has for itself: Twilio's calls fit, whatever others send meanwhile.
const FREE_BYTES: usize = 16 << 10;
/// What a permit of the budget stands for.
const UNIT: usize = 1_024;
/// Without a setting, more connections than this are not accepted.
const MAX_CONNECTIONS: usize = 10_000;

/// The limits of a process.
#[derive(Clone)]
pub struct Intake {
    connections: Connections,
    bodies: Arc<Semaphore>,
    unpacking: Arc<Semaphore>,
}

impl Intake {
    /// Reads the limits from settings and machine.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let total =
            config.max_connections.map_or_else(default_connections, std::num::NonZeroUsize::get);
        let limits = ConnectionLimits {
            total,
            per_caller: config.connections_per_caller.get(),
            trusted: config.trusted_proxies.clone(),
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            connections: Connections::new(limits),
            bodies: Arc::new(Semaphore::new(BODIES_BYTES / UNIT)),
            unpacking: Arc::new(Semaphore::new(cores)),
        }
    }

    pub(in crate::web) fn connections(&self) -> &Connections {
        &self.connections
    }
}

/// Half of the files that may be open: the other half is for the database, Twilio and files.
fn default_connections() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(soft, _)| soft);
    usize::try_from(files / 2).unwrap_or(MAX_CONNECTIONS).clamp(16, MAX_CONNECTIONS)
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}
