//! The messages that this process is submitting.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::queue::lease::Leased;
use crate::types::id::MessageId;

/// The messages that a process is submitting, none of which it claims again.
pub(in crate::worker) type InFlight = Arc<Mutex<HashSet<MessageId>>>;

/// Keeps a message in [`InFlight`] until it is dropped.
pub(in crate::worker) struct InFlightGuard {
    pub(super) job: Leased,
    pub(super) message: MessageId,
    pub(super) in_flight: InFlight,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.in_flight.lock().remove(&self.message);
    }
}
