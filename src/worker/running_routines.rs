//! The routines that this process is running.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::queue::routines::{Routine, RoutineRun};

/// The routines that this process is running.
#[derive(Clone, Default)]
pub(super) struct RunningRoutines(Arc<Mutex<HashSet<Routine>>>);

/// Marks routines as running in this process until it is dropped.
pub(super) struct RoutineGuard {
    running: RunningRoutines,
    pub(super) names: Vec<Routine>,
}

impl RoutineGuard {
    /// Marks all routines that are not running, so that two ticks at the same time do not take the
    /// same one.
    pub(super) fn all_idle(running: &RunningRoutines) -> Self {
        let mut set = running.0.lock();
        let names = Routine::ALL.iter().copied().filter(|routine| set.insert(*routine)).collect();
        Self { running: running.clone(), names }
    }

    /// Splits off a guard for each routine that was taken; the others become idle again.
    pub(super) fn only(mut self, runs: &[RoutineRun]) -> Vec<Self> {
        let taken: Vec<Self> = runs
            .iter()
            .map(|run| Self { running: self.running.clone(), names: vec![run.routine] })
            .collect();
        self.names.retain(|routine| runs.iter().all(|run| run.routine != *routine));
        taken
    }
}

impl Drop for RoutineGuard {
    fn drop(&mut self) {
        let mut set = self.running.0.lock();
        for routine in &self.names {
            set.remove(routine);
        }
    }
}
