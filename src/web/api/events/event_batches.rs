//! Commits reported events in batches (group commit): requests that arrive together share a
//! transaction, and each gets its own response.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::automations::{self, ReportedEvents};
use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::db::{self, Conn, Pool};
use crate::error::{Error, FieldErrors};
use crate::events::{self, MAX_EVENTS, NewEvent, RecordOutcome};
use crate::queue::handover::{Handover, HandoverReservation};
use crate::types::id::EventId;
use crate::web::api::{ApiError, ApiResult};

/// The largest number of single events in one transaction, which takes some milliseconds.
const MAX_SINGLE_BATCH: usize = 200;

/// The largest number of lists in one transaction, with up to [`MAX_EVENTS`] events in all: a
/// transaction has a fixed cost.
const MAX_LIST_BATCH: usize = 4;

/// How many transactions record lists at the same time. More would only wait for each other at the
/// ends of the same indexes.
const LIST_CONCURRENCY: usize = 2;

/// How often a batch is tried that conflicts with others over the same client ids.
const MAX_TRIES: usize = 5;

/// The result of an event, and how many automations it started.
pub(super) type Answer = (RecordOutcome, usize);

/// Requests of one kind that wait for a transaction.
type Requests = Batcher<Vec<NewEvent>, ApiResult<Vec<Answer>>>;

/// The batches of reported events; cheap to clone. Single events do not wait behind long lists.
#[derive(Clone)]
pub struct EventBatches {
    singles: Requests,
    lists: Requests,
}

/// Why events were not recorded.
enum Failure {
    /// The database is not available.
    Unavailable(String),
    /// One of the events, or all, cannot be recorded.
    Refused(Error),
}

impl EventBatches {
    /// Starts the batchers on the current runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock, handover: &Handover) -> Self {
        let recorder =
            EventRecorder { db: db.clone(), clock: clock.clone(), handover: handover.clone() };
        let requests = |concurrency, max_batch| {
            let recorder = recorder.clone();
            Batcher::spawn_concurrent(concurrency, max_batch, move |requests| {
                let recorder = recorder.clone();
                async move { recorder.answer_each(requests).await }
            })
        };
        Self {
            singles: requests(1, MAX_SINGLE_BATCH),
            lists: requests(LIST_CONCURRENCY, MAX_LIST_BATCH),
        }
    }

    /// Records an event; returns after its commit.
    pub(super) async fn submit(&self, report: NewEvent) -> ApiResult<Answer> {
        let mut answers = self.singles.submit(vec![report]).await.ok_or_else(no_answer)??;
        answers.pop().ok_or_else(|| no_answer().into())
    }

    /// Records several events, at most [`MAX_EVENTS`], and returns the responses in order after
    /// their commit.
    pub(super) async fn submit_list(&self, reports: Vec<NewEvent>) -> ApiResult<Vec<Answer>> {
        self.lists.submit(reports).await.ok_or_else(no_answer)?
    }
}

fn no_answer() -> Error {
    Error::Internal("reported events ended without an answer".to_owned())
}

impl std::fmt::Debug for EventBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventBatches")
    }
}

/// Records events, and starts what follows from them.
#[derive(Clone)]
struct EventRecorder {
    db: Pool,
    clock: Clock,
    handover: Handover,
}

impl EventRecorder {
    /// Records requests, as many per transaction as fit.
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

    /// Records requests together, whose events are in `reports` in order of `sizes`; if that fails,
    /// each by itself, so that one cannot prevent the others.
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
            Err(Failure::Unavailable(reason)) => {
                sizes.iter().map(|_| Err(ApiError::away(&reason))).collect()
            }
        }
    }

    /// Records one request; if that fails and it has several events, each of them by itself.
    async fn answer_alone(&self, reports: &[NewEvent]) -> ApiResult<Vec<Answer>> {
        match self.record(reports).await {
            Err(Failure::Refused(_)) if reports.len() > 1 => self.record_one_by_one(reports).await,
            answered => answered.map_err(ApiError::from),
        }
    }

    /// Records each event of a list by itself, and reports each failed one as to be sent again.
    /// Fails if all fail.
    async fn record_one_by_one(&self, reports: &[NewEvent]) -> ApiResult<Vec<Answer>> {
        let (mut answers, mut failure) = (Vec::with_capacity(reports.len()), None);
        for report in reports {
            match self.record(std::slice::from_ref(report)).await {
                Ok(answer) => answers.extend(answer),
                Err(Failure::Refused(error)) => {
                    tracing::error!(%error, "one of several events could not be recorded");
                    let again = FieldErrors::default().with(
                        "event",
                        "A fault of the server kept this one from being recorded. Send it again.",
                    );
                    answers.push((RecordOutcome::Refused(again), 0));
                    failure = Some(error);
                }
                Err(Failure::Unavailable(reason)) => return Err(ApiError::away(&reason)),
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
        let mut conn =
            self.db.get().await.map_err(|error| Failure::Unavailable(error.to_string()))?;
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

/// Records events in one transaction. Jobs that are due at once go to the worker of this process,
/// as far as it has permits.
async fn report(
    conn: &mut Conn,
    reports: &[NewEvent],
    handover: &Handover,
    now: DateTime<Utc>,
) -> Result<ReportedEvents, Error> {
    let reservation = handover.reserve(reports.len()).await;
    let receiver = HandoverReservation::receiver(reservation.as_ref());
    let mut tries = 1;
    let reported = loop {
        let recorded = db::transaction(conn, async |tx| {
            automations::report_events(tx, reports, receiver, now).await
        });
        match recorded.await {
            Err(error) if events::is_client_id_conflict(&error) && tries < MAX_TRIES => tries += 1,
            done => break done?,
        }
    };
    if let Some(reservation) = reservation {
        reservation.dispatch(&reported.jobs);
    }
    Ok(reported)
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(reason) => Self::away(&reason),
            Failure::Refused(error) => error.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) if db::is_unavailable(&error) => {
                Self::Unavailable(error.to_string())
            }
            other => Self::Refused(other),
        }
    }
}
