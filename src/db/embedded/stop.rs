//! The end of the keeping, as the server and its keeper notice it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Notices that the keeper was dropped.
pub(super) struct StopSignal(pub(super) Receiver<()>);

impl StopSignal {
    /// Waits for `time`; `true`, and at once, when it is time to stop.
    pub(super) fn within(&self, time: Duration) -> bool {
        !matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}
