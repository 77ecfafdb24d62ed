//! Which jobs this process has: whatever is leased to it beyond these, it has never heard of, and gives back.
//!
//! A lease can be committed while its answer is lost, when PostgreSQL restarts at the wrong moment. As long as this worker is alive,
//! nobody else would take such a job over.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::queue::lease::{JobId, Leased};

/// The jobs of one worker; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    held: Mutex<HashSet<JobId>>,
    /// Shared by those who take jobs, from before they ask until they hold them; alone by whoever compares.
    taking: RwLock<()>,
}

/// Permission to take jobs.
pub(super) struct Taking<'a> {
    leases: &'a Leases,
    _shared: RwLockReadGuard<'a, ()>,
}

impl Leases {
    /// To be had before jobs are leased.
    pub(super) async fn taking(&self) -> Taking<'_> {
        Taking { leases: self, _shared: self.0.taking.read().await }
    }

    /// Lets go of jobs that have been finished.
    pub(super) fn release(&self, jobs: &[Leased]) {
        let mut held = self.0.held.lock();
        for job in jobs {
            held.remove(&job.id);
        }
    }

    /// Calls `compare` with all jobs that are held, while none is being taken.
    pub(super) async fn compare<T>(&self, compare: impl AsyncFnOnce(&[JobId]) -> T) -> T {
        let _alone = self.0.taking.write().await;
        let held: Vec<JobId> = self.0.held.lock().iter().copied().collect();
        compare(&held).await
    }
}

impl Taking<'_> {
    /// Holds jobs that have been leased.
    pub(super) fn hold<'j>(self, jobs: impl IntoIterator<Item = &'j Leased>) {
        self.leases.0.held.lock().extend(jobs.into_iter().map(|leased| leased.id));
    }
}
