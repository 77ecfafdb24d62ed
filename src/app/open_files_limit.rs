//! The limit of open files, which sockets count towards.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The highest limit to request. More is of no use, and where the hard limit means “unlimited”, it
/// is a number that some programs loop up to.
const MAX_OPEN_FILES: u64 = 1 << 20;

/// Raises the soft limit to the hard limit: many machines start with 1,024, which a busy server
/// needs for connections alone.
pub(super) fn raise_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let target = hard.min(MAX_OPEN_FILES).max(soft);
    if target == soft {
        return;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, target, hard) {
        Ok(()) => tracing::debug!(from = soft, to = target, "the limit of open files was raised"),
        Err(error) => {
            tracing::warn!(%error, limit = soft, "the limit of open files could not be raised");
        }
    }
}
