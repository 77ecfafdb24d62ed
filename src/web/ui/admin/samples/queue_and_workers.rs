//! Samples of the page of the queue and the workers: idle, busy, and with a worker and a routine in
//! trouble.

use chrono::{DateTime, TimeDelta};

use super::{QueueAndWorkers, QueueAndWorkersPage};
use crate::queue::overview::{self, Overview};
use crate::queue::routines::{Routine, RoutineStatus};
use crate::queue::worker_registry::WorkerProcess;
use crate::types::id::WorkerId;
use crate::web::{Samples, Varies};

impl Samples for QueueAndWorkersPage {
    const VARIES: Varies = Varies {
        texts: &["workers.host", "routines.error", "routines.run_by"],
        lists: &["workers"],
    };

    fn samples() -> Vec<Self> {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let worker = |host: &str, seen| WorkerProcess {
            id: WorkerId::new(),
            host: host.to_owned(),
            pid: 4_711,
            started_at: now - TimeDelta::days(3),
            seen_at: now - TimeDelta::seconds(seen),
        };
        let standing = |routine, error: Option<&str>, run_by: Option<(&str, i32)>| RoutineStatus {
            routine,
            due_at: now + TimeDelta::minutes(1),
            ended_at: Some(now - TimeDelta::minutes(1)),
            error: error.map(str::to_owned),
            failing_since: error.map(|_| now - TimeDelta::hours(3)),
            run_by: run_by.map(|(host, pid)| (host.to_owned(), pid)),
        };
        let routines = |error| -> Vec<RoutineStatus> {
            let one = |routine: &Routine| match routine {
                Routine::LookUpStale => standing(*routine, error, None),
                Routine::FoldLedger => standing(*routine, None, Some(("app-<1>", 7))),
                _ => standing(*routine, None, None),
            };
            Routine::ALL.iter().map(one).collect()
        };
        let workers =
            vec![worker("app-<1>", 2), worker(&"a-machine-with-a-long-name.".repeat(4), 40)];
        let held = workers[0].id;
        let page = |overview: &Overview, routines, workers| Self {
            work: QueueAndWorkers::new(overview, routines, workers, now),
        };
        vec![
            page(&Overview::default(), routines(None), Vec::new()),
            page(&Overview::sample(held, 12, now), routines(None), vec![worker("app-1", 2)]),
            page(
                &Overview::sample(held, overview::MAX_COUNTED, now),
                routines(Some("Twilio did <not> answer in time.")),
                workers,
            ),
        ]
    }
}
