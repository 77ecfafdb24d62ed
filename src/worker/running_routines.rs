//! The routines that this process runs right now.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::queue::routines::{Routine, Turn};

/// The routines that this process runs right now.
#[derive(Clone, Default)]
pub(super) struct RunningRoutines(Arc<Mutex<HashSet<Routine>>>);

/// Routines that are noted as running in this process, however that ends.
pub(super) struct RoutineGuard {
    running: RunningRoutines,
    pub(super) names: Vec<Routine>,
}

impl RoutineGuard {
    /// Notes all that are not running, so that two looks at the same time do not take the same one.
    pub(super) fn all_idle(running: &RunningRoutines) -> Self {
        let mut set = running.0.lock();
        let names = Routine::ALL.iter().copied().filter(|routine| set.insert(*routine)).collect();
        Self { running: running.clone(), names }
    }

    /// Keeps those that were taken, each by itself; the others are idle again.
    pub(super) fn only(mut self, turns: &[Turn]) -> Vec<Self> {
        let taken: Vec<Self> = turns
            .iter()
            .map(|turn| Self { running: self.running.clone(), names: vec![turn.routine] })
            .collect();
        self.names.retain(|routine| turns.iter().all(|turn| turn.routine != *routine));
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
