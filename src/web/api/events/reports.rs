//! Reports of single events: those that arrive together share one transaction, and each is answered for itself.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::automations::{self, Reported};
use crate::batch::Batcher;
use crate::clock::Clock;
use crate::db::{self, Conn, Pool};
use crate::error::Error;
use crate::events::{self, NewEvent, Recorded};
use crate::queue::handover::{Handover, Offer};
use crate::web::api::{ApiError, ApiResult};

/// Reports in one transaction: so many that a batch takes some milliseconds.
const LARGEST_BATCH: usize = 200;

/// How often a batch is begun that always meets another one with the same client ids.
const MOST_ROUNDS: usize = 5;

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
    pub fn start(db: &Pool, clock: &Clock, handover: &Handover) -> Self {
        let intake = Intake { db: db.clone(), clock: clock.clone(), handover: handover.clone() };
        Self(Batcher::spawn(LARGEST_BATCH, move |reports| {
            let intake = intake.clone();
            async move { intake.record_each(reports).await }
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

/// What it takes to record events and start what follows.
#[derive(Clone)]
struct Intake {
    db: Pool,
    clock: Clock,
    handover: Handover,
}

impl Intake {
    /// Records all together; when that fails, each by itself, so that one report cannot hold up the others.
    async fn record_each(&self, reports: Vec<NewEvent>) -> Vec<ApiResult<Answer>> {
        match self.record(&reports).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(Failure::Away(reason)) => reports.iter().map(|_| Err(ApiError::away(&reason))).collect(),
            Err(Failure::Refused(error)) if reports.len() == 1 => vec![Err(error.into())],
            Err(Failure::Refused(_)) => {
                let mut answers = Vec::with_capacity(reports.len());
                for report in &reports {
                    answers.push(match self.record(std::slice::from_ref(report)).await {
                        Ok(mut answer) => answer.pop().ok_or_else(|| Error::Internal("an event was not answered".to_owned()).into()),
                        Err(Failure::Away(reason)) => Err(ApiError::away(&reason)),
                        Err(Failure::Refused(error)) => Err(error.into()),
                    });
                }
                answers
            }
        }
    }

    async fn record(&self, reports: &[NewEvent]) -> Result<Vec<Answer>, Failure> {
        let mut conn = self.db.get().await.map_err(|error| Failure::Away(error.to_string()))?;
        let reported = report(&mut conn, reports, &self.handover, self.clock.now()).await?;
        let started = |recorded: &Recorded| match recorded {
            Recorded::New(event) => reported.enrollments_of(event.id),
            Recorded::Repeat(_) | Recorded::Refused(_) => 0,
        };
        let started: Vec<usize> = reported.recorded.iter().map(started).collect();
        Ok(reported.recorded.into_iter().zip(started).collect())
    }
}

/// Records reports in a transaction of their own; what starts at once goes to the worker of this process, as far as it has places.
pub(super) async fn report(conn: &mut Conn, reports: &[NewEvent], handover: &Handover, now: DateTime<Utc>) -> Result<Reported, Error> {
    let offer = handover.offer(reports.len()).await;
    let receiver = Offer::receiver(offer.as_ref());
    let mut round = 1;
    let reported = loop {
        match conn.transaction(async |conn| automations::report(conn, reports, receiver, now).await).await {
            Err(error) if events::was_quicker(&error) && round < MOST_ROUNDS => round += 1,
            done => break done?,
        }
    };
    if let Some(offer) = offer {
        offer.hand_over(&reported.jobs);
    }
    Ok(reported)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) if db::is_away(&error) => Self::Away(error.to_string()),
            other => Self::Refused(other),
        }
    }
}
