//! The limits of a process: connections, memory for request bodies, and their decompression.

use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::web::http::server::connections::{ConnectionLimits, Connections};

/// The minimum rate at which a body arrives and a response is read; slower counts as no progress.
pub(in crate::web) const MIN_BYTES_PER_SECOND: usize = 1_024;
/// The memory that the bodies of all requests share, in bytes, beyond what each has for itself.
const BODY_BUDGET_BYTES: usize = 64 << 20;
/// The memory that every body has for itself, in bytes: Twilio's calls fit, whatever other callers
/// send.
pub(super) const FREE_BYTES: usize = 16 << 10;
/// The bytes that one permit of the budget stands for.
pub(super) const PERMIT_BYTES: usize = 1_024;
/// The largest default for the limit of connections.
const MAX_DEFAULT_CONNECTIONS: usize = 10_000;

/// The limits of a process; cheap to clone.
#[derive(Clone)]
pub struct Intake {
    connections: Connections,
    /// The memory for bodies, in permits of [`PERMIT_BYTES`].
    pub(super) body_budget: Arc<Semaphore>,
    /// One permit for each body that may be decompressed at the same time.
    pub(super) decompressing: Arc<Semaphore>,
}

impl Intake {
    /// Determines the limits from settings and machine.
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
            body_budget: Arc::new(Semaphore::new(BODY_BUDGET_BYTES / PERMIT_BYTES)),
            decompressing: Arc::new(Semaphore::new(cores)),
        }
    }

    pub(in crate::web) fn connections(&self) -> &Connections {
        &self.connections
    }
}

/// Half of the files that may be open; the other half is for the database, Twilio and files.
fn default_connections() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(soft, _)| soft);
    usize::try_from(files / 2).unwrap_or(MAX_DEFAULT_CONNECTIONS).clamp(16, MAX_DEFAULT_CONNECTIONS)
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}
