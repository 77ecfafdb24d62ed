//! Which jobs a worker of this process has: whatever is leased to it beyond these, it has never
//! heard of, and gives back.
//!
//! A lease can be committed while its answer is lost, when PostgreSQL restarts at the wrong moment.
//! As long as this worker is alive, nobody else would take such a job over.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::queue::lease::{JobId, Leased};

/// The jobs of one worker; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    held: Mutex<HashSet<JobId>>,
    /// Shared by those who take jobs, from before they ask until they hold them; alone by whoever
    /// compares.
    taking: Arc<RwLock<()>>,
}

/// Permission to take jobs.
pub(crate) struct Taking {
    leases: Leases,
    _shared: OwnedRwLockReadGuard<()>,
}

impl Leases {
    /// To be had before jobs are leased.
    pub(crate) async fn taking(&self) -> Taking {
        Taking { leases: self.clone(), _shared: Arc::clone(&self.0.taking).read_owned().await }
    }

    /// Lets go of jobs that have been finished.
    pub(crate) fn release(&self, jobs: &[Leased]) {
        let mut held = self.0.held.lock();
        for job in jobs {
            held.remove(&job.id);
        }
    }

    /// Calls `compare` with all jobs that are held, while none is being taken.
    pub(crate) async fn compare<T>(&self, compare: impl AsyncFnOnce(&[JobId]) -> T) -> T {
        let _alone = self.0.taking.write().await;
        let held: Vec<JobId> = self.0.held.lock().iter().copied().collect();
        compare(&held).await
    }
}

impl Taking {
    /// Holds jobs that have been leased.
    pub(crate) fn hold<'j>(self, jobs: impl IntoIterator<Item = &'j Leased>) {
        self.leases.0.held.lock().extend(jobs.into_iter().map(|leased| leased.id));
    }
}
