//! How many files and connections the process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// More than this is of no use, and some systems call no limit a number that programs run through.
const MAX: u64 = 1 << 20;

/// Raises the limit to the one that the system sets for good: many machines begin with 1,024, which
/// a busy server needs for connections alone.
pub(super) fn allow_as_many_as_possible() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = hard.min(MAX).max(soft);
    if wanted == soft {
        return;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => tracing::debug!(from = soft, to = wanted, "the limit of open files was raised"),
        Err(error) => {
            tracing::warn!(%error, limit = soft, "the limit of open files could not be raised");
        }
    }
}
