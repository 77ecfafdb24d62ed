//! Invalidates this process's caches of keys after keys change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of key changes: values read in an earlier epoch may be out of date.
#[derive(Debug, Clone, Default)]
pub struct KeyEpoch(Arc<AtomicU64>);

impl KeyEpoch {
    /// The current epoch.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Records that keys have changed; call it after the commit.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
