//! Until when the other workers take this one for alive.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::queue::lease;
use crate::types::deadline::Deadline;

/// Until when the others take this worker for alive, as its own heartbeats tell; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkerLease(Arc<Mutex<Option<Deadline>>>);

impl WorkerLease {
    /// The deadline, or the end of the lease where that comes sooner. A worker that is driven by
    /// hand has no lease that could end.
    pub(super) fn holds_until(&self, deadline: Deadline) -> Deadline {
        self.0.lock().map_or(deadline, |end| deadline.sooner(end))
    }

    /// Prolongs it by a heartbeat that was given after this moment.
    pub(super) fn prolong(&self, since: Deadline) {
        *self.0.lock() = Some(since.after(lease::DEAD_AFTER.to_std().unwrap_or_default()));
    }
}
