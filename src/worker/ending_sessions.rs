//! Ending sessions: deletes the browser sessions that have expired, and old failures of logging in,
//! requests for links and deliveries of sources.

use chrono::{DateTime, TimeDelta, Utc};

use super::Worker;
use super::error::{PerformError, concerns_one_item};
use crate::queue::set_aside::{Task, TaskItem};
use crate::sources::deliveries;
use crate::users::{attempt_limits, sessions};

/// How many ended sessions are deleted one by one, if one of them fails.
const MAX_SESSIONS: i64 = 10_000;

impl Worker {
    /// Deletes the sessions that have ended, in one statement, or one by one if one of them fails.
    pub(super) async fn end_sessions(&self) -> Result<DateTime<Utc>, PerformError> {
        let now = self.clock.now();
        let deleted = sessions::forget_ended(&mut *self.db.get().await?, now)
            .await
            .map_err(PerformError::from);
        let aside = self.load_set_aside(Task::EndSession).await?;
        match deleted {
            Err(error) if concerns_one_item(&error) => {
                for id in sessions::ended(&mut *self.db.get().await?, now, MAX_SESSIONS).await? {
                    let deleted =
                        async { Ok(sessions::forget(&mut *self.db.get().await?, id).await?) };
                    self.record_result(
                        &aside,
                        &TaskItem::new(Task::EndSession, &id, None),
                        deleted.await,
                    )
                    .await?;
                }
            }
            done => done?,
        }
        self.clear_unmet(&aside).await?;
        attempt_limits::forget_old(&mut *self.db.get().await?, now).await?;
        deliveries::forget_old(&mut *self.db.get().await?, now).await?;
        self.or_next_retry(now + TimeDelta::hours(1), &[Task::EndSession]).await
    }
}
