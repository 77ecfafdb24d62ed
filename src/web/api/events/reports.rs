//! Reports of events: requests that arrive together share one transaction, and each is answered for
//! itself.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::automations::{self, Reported};
use crate::batch::Batcher;
use crate::clock::Clock;
use crate::db::{self, Conn, Pool};
use crate::error::{Error, FieldErrors};
use crate::events::{self, MAX_EVENTS, NewEvent, RecordOutcome};
use crate::queue::handover::{Handover, HandoverOffer};
use crate::types::id::EventId;
use crate::web::api::{ApiError, ApiResult};

/// Single reports in one transaction: so many that it takes some milliseconds.
const MAX_SINGLES: usize = 200;

/// Lists in one transaction, up to [`MAX_EVENTS`] in all: a transaction has its price, however much
/// is in it.
const MAX_LISTS: usize = 4;

/// Transactions for lists at the same time; more would only wait for each other at the ends of the
/// same indexes.
const LISTS_AT_ONCE: usize = 2;

/// How often a batch is begun that always meets another one with the same client ids.
const MAX_ROUNDS: usize = 5;

/// What became of a report, and how many automations it started.
pub(super) type Answer = (RecordOutcome, usize);

/// The requests of one kind that wait for a transaction.
type Requests = Batcher<Vec<NewEvent>, ApiResult<Vec<Answer>>>;

/// Takes in reports; cheap to clone. Those that come one by one do not wait for long lists.
#[derive(Clone)]
pub struct EventReports {
    singles: Requests,
    lists: Requests,
}

/// Why reports were not recorded.
enum Failure {
    /// Nothing can be recorded now.
    Away(String),
    /// One of them, or all.
    Refused(Error),
}

impl EventReports {
    /// Starts the batchers on the present runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock, handover: &Handover) -> Self {
        let intake = Intake { db: db.clone(), clock: clock.clone(), handover: handover.clone() };
        let requests = |lanes, most| {
            let intake = intake.clone();
            Batcher::spawn_lanes(lanes, most, move |requests| {
                let intake = intake.clone();
                async move { intake.answer_each(requests).await }
            })
        };
        Self { singles: requests(1, MAX_SINGLES), lists: requests(LISTS_AT_ONCE, MAX_LISTS) }
    }

    /// Records a report; returns after its commit.
    pub(super) async fn submit(&self, report: NewEvent) -> ApiResult<Answer> {
        let mut answers = self.singles.submit(vec![report]).await.ok_or_else(lost)??;
        answers.pop().ok_or_else(|| lost().into())
    }

    /// Records several, at most [`MAX_EVENTS`], and answers each in its place; returns after their
    /// commit.
    pub(super) async fn submit_list(&self, reports: Vec<NewEvent>) -> ApiResult<Vec<Answer>> {
        self.lists.submit(reports).await.ok_or_else(lost)?
    }
}

fn lost() -> Error {
    Error::Internal("reported events ended without an answer".to_owned())
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
    /// Records requests, as many in a transaction as fit in it.
    async fn answer_each(&self, requests: Vec<Vec<NewEvent>>) -> Vec<ApiResult<Vec<Answer>>> {
        let mut answers = Vec::with_capacity(requests.len());
        let (mut together, mut sizes): (Vec<NewEvent>, Vec<usize>) = (Vec::new(), Vec::new());
        for request in requests {
            if together.len() + request.len() > MAX_EVENTS {
                answers.extend(self.answer_together(&together, &sizes).await);
                together.clear();
                sizes.clear();
            }
            sizes.push(request.len());
            together.extend(request);
        }
        answers.extend(self.answer_together(&together, &sizes).await);
        answers
    }

    /// Records requests of these sizes, one after the other in `reports`, together; when that
    /// fails, each by itself, so that one cannot hold up the others.
    async fn answer_together(
        &self,
        reports: &[NewEvent],
        sizes: &[usize],
    ) -> Vec<ApiResult<Vec<Answer>>> {
        match self.record(reports).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                sizes.iter().map(|size| Ok(answers.by_ref().take(*size).collect())).collect()
            }
            Err(Failure::Refused(_)) if sizes.len() > 1 => {
                let (mut answers, mut rest) = (Vec::with_capacity(sizes.len()), reports);
                for size in sizes {
                    let (request, others) = rest.split_at(*size);
                    rest = others;
                    answers.push(self.answer_alone(request).await);
                }
                answers
            }
            Err(Failure::Refused(_)) if reports.len() > 1 => {
                vec![self.record_one_by_one(reports).await]
            }
            Err(Failure::Refused(error)) => vec![Err(error.into())],
            Err(Failure::Away(reason)) => {
                sizes.iter().map(|_| Err(ApiError::away(&reason))).collect()
            }
        }
    }

    /// Records one request; where that fails and it has several reports, each of them by itself.
    async fn answer_alone(&self, reports: &[NewEvent]) -> ApiResult<Vec<Answer>> {
        match self.record(reports).await {
            Err(Failure::Refused(_)) if reports.len() > 1 => self.record_one_by_one(reports).await,
            answered => answered.map_err(ApiError::from),
        }
    }

    /// Records the reports of a list each by itself, and says of each that fails that it is to be
    /// sent again; none is where all fail.
    async fn record_one_by_one(&self, reports: &[NewEvent]) -> ApiResult<Vec<Answer>> {
        let (mut answers, mut failure) = (Vec::with_capacity(reports.len()), None);
        for report in reports {
            match self.record(std::slice::from_ref(report)).await {
                Ok(answer) => answers.extend(answer),
                Err(Failure::Refused(error)) => {
                    tracing::error!(%error, "one of several events could not be recorded");
                    let again = FieldErrors::default().with(
                        "event",
                        "This one could not be recorded, by a fault of the server: send it again.",
                    );
                    answers.push((RecordOutcome::Refused(again), 0));
                    failure = Some(error);
                }
                Err(Failure::Away(reason)) => return Err(ApiError::away(&reason)),
            }
        }
        match failure {
            Some(error)
                if answers
                    .iter()
                    .all(|(answer, _)| matches!(answer, RecordOutcome::Refused(_))) =>
            {
                Err(error.into())
            }
            _ => Ok(answers),
        }
    }

    async fn record(&self, reports: &[NewEvent]) -> Result<Vec<Answer>, Failure> {
        let mut conn = self.db.get().await.map_err(|error| Failure::Away(error.to_string()))?;
        let reported = report(&mut conn, reports, &self.handover, self.clock.now()).await?;
        let started: HashMap<EventId, usize> = reported.started();
        let answer = |recorded: RecordOutcome| {
            let started = match &recorded {
                RecordOutcome::New(id) => started.get(id).copied().unwrap_or_default(),
                RecordOutcome::Repeat(_) | RecordOutcome::Refused(_) => 0,
            };
            (recorded, started)
        };
        Ok(reported.recorded.into_iter().map(answer).collect())
    }
}

/// Records reports in a transaction of their own; what starts at once goes to the worker of this
/// process, as far as it has places.
async fn report(
    conn: &mut Conn,
    reports: &[NewEvent],
    handover: &Handover,
    now: DateTime<Utc>,
) -> Result<Reported, Error> {
    let offer = handover.offer(reports.len()).await;
    let receiver = HandoverOffer::receiver(offer.as_ref());
    let mut round = 1;
    let reported = loop {
        match conn
            .transaction(async |conn| automations::report(conn, reports, receiver, now).await)
            .await
        {
            Err(error) if events::was_quicker(&error) && round < MAX_ROUNDS => round += 1,
            done => break done?,
        }
    };
    if let Some(offer) = offer {
        offer.hand_over(&reported.jobs);
    }
    Ok(reported)
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away(reason) => Self::away(&reason),
            Failure::Refused(error) => error.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) if db::is_away(&error) => Self::Away(error.to_string()),
            other => Self::Refused(other),
        }
    }
}
