//! Tells caches of keys in this process that keys have changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the changes of keys: what was read in an earlier epoch may be out of date.
#[derive(Debug, Clone, Default)]
pub struct KeyEpoch(Arc<AtomicU64>);

impl KeyEpoch {
    /// The present epoch.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Notes that keys have changed; call it after the commit.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
