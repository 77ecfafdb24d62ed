//! The stop signal of the keeper thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Signals that the handle of the keeper thread was dropped.
pub(super) struct StopSignal(pub(super) Receiver<()>);

impl StopSignal {
    /// Waits up to `time`; returns `true` as soon as the keeper is to stop.
    pub(super) fn within(&self, time: Duration) -> bool {
        !matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}
