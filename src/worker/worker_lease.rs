//! [`WorkerLease`]: until when the other workers consider this one alive.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::queue::worker_registry;
use crate::types::deadline::Deadline;

/// Until when the other workers consider this one alive, by its own heartbeats; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkerLease(Arc<Mutex<Option<Deadline>>>);

impl WorkerLease {
    /// The deadline, or the end of the lease if that is sooner. A worker whose jobs are performed
    /// by hand, in tests, has no lease that could end.
    pub(super) fn at_most_until_end(&self, deadline: Deadline) -> Deadline {
        self.0.lock().map_or(deadline, |end| deadline.earlier(end))
    }

    /// Extends the lease by a heartbeat that was sent after `since`.
    pub(super) fn extend(&self, since: Deadline) {
        *self.0.lock() =
            Some(since.after(worker_registry::DEAD_AFTER.to_std().unwrap_or_default()));
    }
}
