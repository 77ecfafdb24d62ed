//! The jobs that a worker of this process holds. A job that is leased to it in the database but
//! missing here returns to the queue.
//!
//! A lease can commit while its answer is lost, if PostgreSQL restarts at the wrong moment. No
//! other worker takes over such a job as long as this one is alive.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::lease::{JobId, Leased};

/// The jobs that one worker holds; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldJobs(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    held: Mutex<HashSet<JobId>>,
    /// Locked shared while jobs are leased, from before the statement until they are held here;
    /// locked exclusively while the held jobs are compared with the database.
    leasing: Arc<RwLock<()>>,
}

/// A guard under which jobs are leased and then held.
pub(crate) struct LeaseGuard {
    held_jobs: HeldJobs,
    _shared: OwnedRwLockReadGuard<()>,
}

impl HeldJobs {
    /// Acquires the guard; call it before jobs are leased.
    pub(crate) async fn begin_leasing(&self) -> LeaseGuard {
        let shared = Arc::clone(&self.0.leasing).read_owned().await;
        LeaseGuard { held_jobs: self.clone(), _shared: shared }
    }

    /// Releases jobs that have been finished.
    pub(crate) fn release(&self, jobs: &[Leased]) {
        let mut held = self.0.held.lock();
        for job in jobs {
            held.remove(&job.id);
        }
    }

    /// Calls `compare` with all held jobs, while none is being leased.
    pub(crate) async fn compare<T>(&self, compare: impl AsyncFnOnce(&[JobId]) -> T) -> T {
        let _exclusive = self.0.leasing.write().await;
        let held: Vec<JobId> = self.0.held.lock().iter().copied().collect();
        compare(&held).await
    }
}

impl LeaseGuard {
    /// Adds jobs that have been leased to those held.
    pub(crate) fn hold<'j>(self, jobs: impl IntoIterator<Item = &'j Leased>) {
        self.held_jobs.0.held.lock().extend(jobs.into_iter().map(|leased| leased.id));
    }
}
