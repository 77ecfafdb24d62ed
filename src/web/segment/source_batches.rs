//! Commits what sources send in batches (group commit): requests that arrive together share a
//! connection, one search for their keys, and transactions, and each gets its own response.

use std::sync::Arc;

use chrono_tz::Tz;
use tokio::sync::Semaphore;

use super::source_request::{ReadyRequest, SourceRefusal, SourceRequest, all_outcomes};
use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::db::{self, Conn, Pool};
use crate::error::{Error, FieldErrors, Result};
use crate::queue::handover::{Handover, HandoverReservation};
use crate::sources::segment::Envelope;
use crate::sources::{
    self, IngestRequest, Ingested, ItemDefaults, ItemOutcome, MAX_ITEMS, SourceKeySecret,
    source_key,
};
use crate::users::organization;
use crate::web::api::ApiResult;

/// The largest number of requests with a single item in one transaction.
const MAX_SINGLE_BATCH: usize = 200;

/// The largest number of longer requests that share a search for their keys: clients send up to a
/// hundred items at once.
const MAX_LIST_BATCH: usize = 10;

/// How many transactions record longer requests at the same time. More would only wait for each
/// other at the ends of the same indexes.
const LIST_CONCURRENCY: usize = 2;

/// The largest number of items that wait, some seconds of work; more are refused for now.
const MAX_WAITING_ITEMS: usize = 20_000;

/// How often a transaction is tried that conflicts with others over the same events or people.
const MAX_TRIES: usize = 5;

/// The outcomes of a request, one for each of its items.
type Answer = Result<Vec<ItemOutcome>, SourceRefusal>;

/// Requests of one kind that wait for a transaction.
type Requests = Batcher<SourceRequest, Answer>;

/// The batches of what sources send; cheap to clone. Single items do not wait behind long lists.
#[derive(Clone)]
pub struct SourceBatches {
    singles: Requests,
    lists: Requests,
    /// One permit for each item that may wait.
    capacity: Arc<Semaphore>,
}

/// Why items were not recorded.
enum Failure {
    /// The database is not available.
    Unavailable,
    /// One of the items, or all, cannot be recorded.
    Refused(Error),
}

impl SourceBatches {
    /// Starts the batchers on the current runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock, handover: &Handover) -> Self {
        let recorder =
            ItemRecorder { db: db.clone(), clock: clock.clone(), handover: handover.clone() };
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
            capacity: Arc::new(Semaphore::new(MAX_WAITING_ITEMS)),
        }
    }

    /// Finds the source of a key, and records the messages that it accepts; returns one outcome
    /// for each message, in order, after the commit.
    pub(super) async fn submit_messages(
        &self,
        key: SourceKeySecret,
        envelope: Envelope,
    ) -> Result<Vec<ItemOutcome>, SourceRefusal> {
        self.record(SourceRequest::Messages(key, envelope)).await
    }

    /// Records the items of a source that is known to accept them; returns one outcome for each,
    /// in order, after the commit.
    pub(in crate::web) async fn submit(
        &self,
        request: IngestRequest,
    ) -> ApiResult<Vec<ItemOutcome>> {
        Ok(self.record(SourceRequest::Items(request)).await?)
    }

    async fn record(&self, request: SourceRequest) -> Answer {
        let permits = u32::try_from(request.len().max(1)).unwrap_or(u32::MAX);
        let _waiting = self.capacity.try_acquire_many(permits).map_err(|_| SourceRefusal::Busy)?;
        let requests = if request.len() > 1 { &self.lists } else { &self.singles };
        requests.submit(request).await.unwrap_or(Err(SourceRefusal::Failed))
    }
}

impl std::fmt::Debug for SourceBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SourceBatches")
    }
}

/// Finds sources, parses their messages, and records their items.
#[derive(Clone)]
struct ItemRecorder {
    db: Pool,
    clock: Clock,
    handover: Handover,
}

impl ItemRecorder {
    /// Answers requests, on one connection.
    async fn answer_each(&self, requests: Vec<SourceRequest>) -> Vec<Answer> {
        let count = requests.len();
        let answered = async {
            let mut conn = self.db.get().await.map_err(|error| unavailable(&error))?;
            let ready = self.prepare(&mut conn, requests).await?;
            Ok::<_, Failure>(self.record_each(&mut conn, ready).await)
        };
        answered.await.unwrap_or_else(|failure| {
            let refusal = match failure {
                Failure::Unavailable => SourceRefusal::Unavailable,
                Failure::Refused(error) => failed(&error),
            };
            vec![Err(refusal); count]
        })
    }

    /// Finds the sources of requests by their keys, and parses their messages.
    async fn prepare(
        &self,
        conn: &mut Conn,
        requests: Vec<SourceRequest>,
    ) -> Result<Vec<Result<ReadyRequest, SourceRefusal>>, Failure> {
        let now = self.clock.now();
        let keys: Vec<SourceKeySecret> =
            requests.iter().filter_map(SourceRequest::key).cloned().collect();
        let (mut sources, mut defaults) =
            (Vec::new(), ItemDefaults { country: None, zone: Tz::UTC });
        if !keys.is_empty() {
            sources = source_key::authenticate(conn, &keys, now).await?;
            defaults = ItemDefaults::from(&organization::find(conn).await?);
        }
        let (mut sources, mut ready) = (sources.into_iter(), Vec::with_capacity(requests.len()));
        for request in requests {
            ready.push(match request {
                SourceRequest::Items(request) => Ok(ReadyRequest::of_items(request)),
                SourceRequest::Messages(_, envelope) => {
                    let source = sources.next().flatten();
                    // Parsing many messages takes milliseconds, in which other tasks wait.
                    tokio::task::yield_now().await;
                    ReadyRequest::of_messages(source, &envelope, defaults, now)
                }
            });
        }
        Ok(ready)
    }

    /// Records requests, as many per transaction as fit.
    async fn record_each(
        &self,
        conn: &mut Conn,
        ready: Vec<Result<ReadyRequest, SourceRefusal>>,
    ) -> Vec<Answer> {
        let (mut parts, mut waiting) = (Vec::new(), Vec::with_capacity(ready.len()));
        for request in ready {
            waiting.push(request.map(|request| {
                let (requests, refused) = request.split();
                let before = parts.len();
                parts.extend(requests.into_iter().flat_map(parts_of));
                (refused, parts.len() - before)
            }));
        }
        let mut recorded = self.record_parts(conn, parts).await.into_iter();
        let answer = |waiting: Result<(Vec<Option<FieldErrors>>, usize), SourceRefusal>| -> Answer {
            let (refused, count) = waiting?;
            let of_parts: Vec<Answer> = recorded.by_ref().take(count).collect();
            let of_parts: Vec<Vec<ItemOutcome>> = of_parts.into_iter().collect::<Result<_, _>>()?;
            Ok(all_outcomes(refused, of_parts.into_iter().flatten()))
        };
        waiting.into_iter().map(answer).collect()
    }

    async fn record_parts(&self, conn: &mut Conn, parts: Vec<IngestRequest>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(parts.len());
        let (mut together, mut items) = (Vec::new(), 0);
        for part in parts {
            if items + part.items.len() > MAX_ITEMS {
                answers.extend(self.record_together(conn, std::mem::take(&mut together)).await);
                items = 0;
            }
            items += part.items.len();
            together.push(part);
        }
        answers.extend(self.record_together(conn, together).await);
        answers
    }

    /// Records requests in one transaction; if that fails, each in its own, so that one cannot
    /// prevent the others.
    async fn record_together(&self, conn: &mut Conn, parts: Vec<IngestRequest>) -> Vec<Answer> {
        if parts.is_empty() {
            return Vec::new();
        }
        match self.record(conn, &parts).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(Failure::Unavailable) => vec![Err(SourceRefusal::Unavailable); parts.len()],
            Err(Failure::Refused(_)) => {
                let mut answers = Vec::with_capacity(parts.len());
                for part in parts {
                    answers.push(self.record_alone(conn, part).await);
                }
                answers
            }
        }
    }

    /// Records one request; if that fails and it has several items, each of them by itself.
    async fn record_alone(&self, conn: &mut Conn, part: IngestRequest) -> Answer {
        match self.record(conn, std::slice::from_ref(&part)).await {
            Ok(outcomes) => Ok(outcomes.into_iter().flatten().collect()),
            Err(Failure::Unavailable) => Err(SourceRefusal::Unavailable),
            Err(Failure::Refused(_)) if part.items.len() > 1 => {
                self.record_one_by_one(conn, part).await
            }
            Err(Failure::Refused(error)) => Err(failed(&error)),
        }
    }

    /// Records each item by itself, and rejects those that fail. Fails if all fail.
    async fn record_one_by_one(&self, conn: &mut Conn, part: IngestRequest) -> Answer {
        let IngestRequest { source_id, items, mut rejected, delivery } = part;
        let (mut outcomes, mut has_recorded) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let alone = IngestRequest { source_id, items: vec![item], rejected: 0, delivery: None };
            match self.record(conn, std::slice::from_ref(&alone)).await {
                Ok(recorded) => {
                    outcomes.extend(recorded.into_iter().flatten());
                    has_recorded = true;
                }
                Err(Failure::Unavailable) => return Err(SourceRefusal::Unavailable),
                Err(Failure::Refused(error)) => {
                    tracing::error!(%error, source.id = %source_id, "an item was not recorded");
                    let fault = "A fault of the server kept this one from being recorded.";
                    outcomes
                        .push(ItemOutcome::Rejected(FieldErrors::default().with("message", fault)));
                    rejected += 1;
                }
            }
        }
        if !has_recorded {
            return Err(SourceRefusal::Failed);
        }
        let rest = IngestRequest { source_id, items: Vec::new(), rejected, delivery };
        if let Err(Failure::Refused(error)) = self.record(conn, &[rest]).await {
            tracing::error!(%error, source.id = %source_id, "rejected items were not counted");
        }
        Ok(outcomes)
    }

    /// Records requests in one transaction. Jobs that are due at once go to the worker of this
    /// process, as far as it has permits.
    async fn record(
        &self,
        conn: &mut Conn,
        requests: &[IngestRequest],
    ) -> Result<Vec<Vec<ItemOutcome>>, Failure> {
        let now = self.clock.now();
        let items = requests.iter().map(|request| request.items.len()).sum();
        let reservation = self.handover.reserve(items).await;
        let receiver = HandoverReservation::receiver(reservation.as_ref());
        let mut tries = 1;
        let ingested: Ingested = loop {
            let recorded = db::transaction(conn, async |tx| {
                sources::ingest(tx, requests, receiver, now).await
            });
            match recorded.await {
                Err(error) if sources::is_ingest_conflict(&error) && tries < MAX_TRIES => {
                    tries += 1;
                }
                done => break done?,
            }
        };
        if let Some(reservation) = reservation {
            reservation.dispatch(&ingested.jobs);
        }
        Ok(ingested.outcomes)
    }
}

/// A request in parts that each fit in a transaction. The first one has its counts.
fn parts_of(mut request: IngestRequest) -> Vec<IngestRequest> {
    let source_id = request.source_id;
    let mut rest = split_off(&mut request.items);
    let mut parts = vec![request];
    while !rest.is_empty() {
        let next = split_off(&mut rest);
        parts.push(IngestRequest { source_id, items: rest, rejected: 0, delivery: None });
        rest = next;
    }
    parts
}

/// Splits off the elements that do not fit in a transaction.
fn split_off<T>(items: &mut Vec<T>) -> Vec<T> {
    items.split_off(items.len().min(MAX_ITEMS))
}

fn unavailable(reason: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(%reason, "requests of sources wait: the database does not answer");
    Failure::Unavailable
}

fn failed(error: &Error) -> SourceRefusal {
    tracing::error!(%error, "a request of a source failed");
    SourceRefusal::Failed
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) if db::is_unavailable(&error) => unavailable(&error),
            other => Self::Refused(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_split_so_that_each_part_fits_in_a_transaction() {
        let sizes = |count: usize| {
            let (mut sizes, mut rest): (Vec<usize>, Vec<usize>) =
                (Vec::new(), (0..count).collect());
            while !rest.is_empty() {
                let next = split_off(&mut rest);
                sizes.push(rest.len());
                rest = next;
            }
            sizes
        };
        assert_eq!(sizes(1_000), [1_000]);
        assert_eq!(sizes(2_500), [1_000, 1_000, 500]);
        assert_eq!(sizes(0), [0; 0]);
    }
}
