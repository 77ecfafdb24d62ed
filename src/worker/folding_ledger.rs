//! Folding the ledger: sums its pending changes up, all at once, or in parts if one of them fails.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::Worker;
use super::error::{PerformError, concerns_one_item};
use super::set_aside_items::MAX_RETRIES;
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::{db, ledger};

/// How often the ledger is folded. A reader of the ledger adds the rows that are not folded yet:
/// fewer are better, but it is not urgent.
const FOLD_INTERVAL: TimeDelta = TimeDelta::seconds(15);

impl Worker {
    /// Folds the changes of messages into the ledger, in one transaction, or in parts if a change
    /// fails. A change that is set aside stays unfolded until it is due; readers of the ledger
    /// still count it.
    pub(super) async fn fold_ledger(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let aside = self.load_set_aside(Task::Fold).await?;
        if aside.is_empty() {
            let mut conn = self.db.get().await?;
            let folded = db::transaction(&mut conn, async |tx| ledger::fold(tx, now).await).await;
            drop(conn);
            match folded.map_err(PerformError::from) {
                Ok(folded) => {
                    return Ok(if folded == ledger::FOLD_LIMIT {
                        now
                    } else {
                        now + FOLD_INTERVAL
                    });
                }
                Err(error) if !concerns_one_item(&error) => return Err(error),
                Err(_) => {}
            }
        }
        let mut conn = self.db.get().await?;
        let due = set_aside::due(&mut conn, Task::Fold, now, MAX_RETRIES).await?;
        let due: HashSet<&str> = due.iter().map(|due| due.item.subject.as_str()).collect();
        let left_out: Vec<i64> = aside
            .subjects()
            .filter(|subject| !due.contains(subject))
            .filter_map(|subject| subject.parse().ok())
            .collect();
        let (folded, failed) = ledger::fold_each(&mut conn, &left_out, now).await?;
        drop(conn);
        tracing::info!(folded, failed = failed.len(), "the ledger was folded in parts");
        for (id, error) in failed {
            self.set_aside(&TaskItem::new(Task::Fold, &id, None), &error.into()).await?;
        }
        // Changes that were due and did not fail are folded.
        self.clear_unmet(&aside).await?;
        self.or_next_retry(now + FOLD_INTERVAL, &[Task::Fold]).await
    }
}
