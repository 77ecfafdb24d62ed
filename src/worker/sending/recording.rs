//! Recording responses by group commit: all responses that arrive while the last batch is written
//! are written together.

use std::sync::Arc;
use std::time::Duration;

use super::InFlight;
use crate::automations::consequences;
use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::db::{self, DedicatedConnection, Pool, generic_plans};
use crate::messages::submit_outcomes::{self, SubmitOutcome, fast_path};
use crate::queue::lease::{self, Finish, JobId};
use crate::types::id::WorkerId;
use crate::worker::batch_limits::BATCH;
use crate::worker::error::PerformError;
use crate::worker::until_written::until_written;

/// Records the responses of Twilio; cheap to clone, one for each worker.
#[derive(Clone)]
pub(in crate::worker) struct Recorder(Batcher<Answered, ()>);

/// The size below which a batch waits for more responses while many calls are in flight: each
/// transaction has a fixed cost.
const SMALL_BATCH: usize = 64;

/// How long a small batch waits for more responses.
const GATHERING_TIME: Duration = Duration::from_millis(10);

/// A response and the job that it ends.
struct Answered {
    job: JobId,
    outcome: SubmitOutcome,
}

impl Recorder {
    /// Starts recording on the current runtime.
    pub(in crate::worker) fn start(
        worker: WorkerId,
        db: &Pool,
        clock: &Clock,
        in_flight: &InFlight,
    ) -> Self {
        let (db, clock, connection) =
            (db.clone(), clock.clone(), Arc::new(DedicatedConnection::beside(db)));
        let in_flight = Arc::clone(in_flight);
        // The messages of the responses that have arrived still count as in flight.
        let gathering_time = move |arrived: usize| {
            let wait_for_more =
                arrived < SMALL_BATCH && in_flight.lock().len() > arrived + SMALL_BATCH;
            if wait_for_more { GATHERING_TIME } else { Duration::ZERO }
        };
        Self(Batcher::spawn_lingering(BATCH, gathering_time, move |answered: Vec<Answered>| {
            let (db, clock, connection) = (db.clone(), clock.clone(), Arc::clone(&connection));
            async move {
                let answers = vec![(); answered.len()];
                let left = record_accepted(&connection, &clock, answered).await;
                record_each(worker, &db, &clock, &left).await;
                answers
            }
        }))
    }

    /// Records a response, and returns when it is committed.
    pub(super) async fn record(&self, job: JobId, outcome: SubmitOutcome) {
        // None if the process ends, or the work panics: the message then becomes unconfirmed, and
        // Twilio's list settles it.
        let _: Option<()> = self.0.submit(Answered { job, outcome }).await;
    }
}

/// Records plain acceptances on the fast path; returns the other responses.
async fn record_accepted(
    connection: &DedicatedConnection,
    clock: &Clock,
    mut answered: Vec<Answered>,
) -> Vec<Answered> {
    let outcomes: Vec<(JobId, &SubmitOutcome)> =
        answered.iter().map(|answered| (answered.job, &answered.outcome)).collect();
    match connection
        .run(async |conn| {
            Ok::<_, PerformError>(fast_path::record(conn, &outcomes, clock.now()).await?)
        })
        .await
    {
        Ok(recorded) => {
            answered.retain(|answered| !recorded.contains(&answered.outcome.claimed.message_id));
        }
        Err(error) => {
            tracing::debug!(%error, "accepted messages could not be recorded; using the slow path");
        }
    }
    answered
}

/// Records responses in one transaction, or one by one if one of them fails.
async fn record_each(worker: WorkerId, db: &Pool, clock: &Clock, answered: &[Answered]) {
    if answered.is_empty()
        || until_written(|| record_together(worker, db, clock, answered)).await.is_some()
        || answered.len() == 1
    {
        return;
    }
    for one in answered {
        until_written(|| record_together(worker, db, clock, std::slice::from_ref(one))).await;
    }
}

async fn record_together(
    worker: WorkerId,
    db: &Pool,
    clock: &Clock,
    answered: &[Answered],
) -> Result<(), PerformError> {
    let now = clock.now();
    let mut conn = db.get().await?;
    db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        generic_plans::force(&tx).await?;
        let recorded = submit_outcomes::record(
            &mut tx,
            &answered.iter().map(|answered| &answered.outcome).collect::<Vec<_>>(),
            now,
        )
        .await?;
        let finishes: Vec<(JobId, Finish)> = answered
            .iter()
            .zip(&recorded.messages)
            .map(|(answered, recorded)| {
                (answered.job, recorded.retry_at.map_or(Finish::Done, Finish::Uncounted))
            })
            .collect();
        lease::finish(&mut tx, worker, &finishes, now).await?;
        consequences::apply(tx, &recorded.consequences, now).await?;
        Ok(())
    })
    .await
}
