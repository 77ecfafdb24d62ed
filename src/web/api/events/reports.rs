//! Reports of single events: those that arrive together share one transaction, and each is answered for itself.

use diesel_async::AsyncConnection;

use crate::automations;
use crate::batch::Batcher;
use crate::clock::Clock;
use crate::db::{self, Pool};
use crate::error::Error;
use crate::events::{NewEvent, Recorded};
use crate::web::api::{ApiError, ApiResult};

/// Reports in one transaction: so many that a batch takes some milliseconds.
const LARGEST_BATCH: usize = 200;

/// Takes in single reports; cheap to clone.
#[derive(Clone)]
pub struct EventReports(Batcher<NewEvent, ApiResult<Answer>>);

/// What became of a report, and how many automations it started.
pub(super) type Answer = (Recorded, usize);

/// Why a batch was not recorded.
enum Failure {
    /// Nothing can be recorded now.
    Away(String),
    /// One of its reports, or all.
    Refused(Error),
}

impl EventReports {
    /// Starts the batcher on the present runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        let (db, clock) = (db.clone(), clock.clone());
        Self(Batcher::spawn(LARGEST_BATCH, move |reports| {
            let (db, clock) = (db.clone(), clock.clone());
            async move { record_each(&db, &clock, reports).await }
        }))
    }

    /// Records a report; returns after its commit.
    pub(super) async fn submit(&self, report: NewEvent) -> ApiResult<Answer> {
        let lost = || Error::Internal("an event's batch ended without an answer".to_owned());
        self.0.submit(report).await.ok_or_else(lost)?
    }
}

impl std::fmt::Debug for EventReports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventReports")
    }
}

/// Records all together; when that fails, each by itself, so that one report cannot hold up the others.
async fn record_each(db: &Pool, clock: &Clock, reports: Vec<NewEvent>) -> Vec<ApiResult<Answer>> {
    match record(db, clock, reports.clone()).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(Failure::Away(reason)) => reports.iter().map(|_| Err(ApiError::away(&reason))).collect(),
        Err(Failure::Refused(error)) if reports.len() == 1 => vec![Err(error.into())],
        Err(Failure::Refused(_)) => {
            let mut answers = Vec::with_capacity(reports.len());
            for report in reports {
                answers.push(match record(db, clock, vec![report]).await {
                    Ok(mut answer) => answer.pop().ok_or_else(|| Error::Internal("an event was not answered".to_owned()).into()),
                    Err(Failure::Away(reason)) => Err(ApiError::away(&reason)),
                    Err(Failure::Refused(error)) => Err(error.into()),
                });
            }
            answers
        }
    }
}

async fn record(db: &Pool, clock: &Clock, reports: Vec<NewEvent>) -> Result<Vec<Answer>, Failure> {
    let now = clock.now();
    let mut conn = db.get().await.map_err(|error| Failure::Away(error.to_string()))?;
    let reported = conn.transaction(async |conn| automations::report(conn, reports, now).await).await?;
    let started = |recorded: &Recorded| match recorded {
        Recorded::New(event) => reported.enrollments_of(event.id),
        Recorded::Repeat(_) | Recorded::Refused(_) => 0,
    };
    let started: Vec<usize> = reported.recorded.iter().map(started).collect();
    Ok(reported.recorded.into_iter().zip(started).collect())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) if db::is_away(&error) => Self::Away(error.to_string()),
            other => Self::Refused(other),
        }
    }
}
