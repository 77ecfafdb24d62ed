//! Recording answers: all that have come in while the last were written are written together.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncConnection;

use super::InFlight;
use crate::automations::consequences;
use crate::batch::Batcher;
use crate::clock::Clock;
use crate::db::{DedicatedConnection, Pool, generic_plans};
use crate::messages::submit::{self, SubmitOutcome, accepted};
use crate::queue::lease::{self, Finish, JobId};
use crate::types::id::WorkerId;
use crate::worker::error::PerformError;
use crate::worker::limits::BATCH;
use crate::worker::until_written::until_written;

/// Writes down what Twilio answered; cheap to clone, one for each worker.
#[derive(Clone)]
pub(in crate::worker) struct Recorder(Batcher<Answered, ()>);

/// A batch of fewer answers waits a moment for others while many calls are in flight: a transaction
/// has its price whatever its size.
const SMALL: usize = 64;

/// This long.
const GATHERING: Duration = Duration::from_millis(10);

/// An answer and the job that it ends.
struct Answered {
    job: JobId,
    outcome: SubmitOutcome,
}

impl Recorder {
    /// Starts recording on the present runtime.
    pub(in crate::worker) fn start(
        worker: WorkerId,
        db: &Pool,
        clock: &Clock,
        in_flight: &InFlight,
    ) -> Self {
        let (db, clock, lane) =
            (db.clone(), clock.clone(), Arc::new(DedicatedConnection::beside(db)));
        let in_flight = Arc::clone(in_flight);
        // Those whose answers are here are still in flight themselves.
        let patience = move |there: usize| {
            let more_come = there < SMALL && in_flight.lock().len() > there + SMALL;
            if more_come { GATHERING } else { Duration::ZERO }
        };
        Self(Batcher::spawn_patient(BATCH, patience, move |answered: Vec<Answered>| {
            let (db, clock, lane) = (db.clone(), clock.clone(), Arc::clone(&lane));
            async move {
                let answers = vec![(); answered.len()];
                let left = record_accepted(&lane, &clock, answered).await;
                record_each(worker, &db, &clock, &left).await;
                answers
            }
        }))
    }

    /// Records an answer; returns when it is committed.
    pub(super) async fn record(&self, job: JobId, outcome: SubmitOutcome) {
        // None when the process ends, or the work panicked: the message then shows as unconfirmed
        // and is settled by asking Twilio.
        let _: Option<()> = self.0.submit(Answered { job, outcome }).await;
    }
}

/// Records what Twilio has simply accepted; returns the rest.
async fn record_accepted(
    lane: &DedicatedConnection,
    clock: &Clock,
    mut answered: Vec<Answered>,
) -> Vec<Answered> {
    let outcomes: Vec<(JobId, &SubmitOutcome)> =
        answered.iter().map(|answered| (answered.job, &answered.outcome)).collect();
    match lane
        .run(async |conn| {
            Ok::<_, PerformError>(accepted::record(conn, &outcomes, clock.now()).await?)
        })
        .await
    {
        Ok(recorded) => {
            answered.retain(|answered| !recorded.contains(&answered.outcome.claimed.message_id));
        }
        Err(error) => {
            tracing::debug!(%error, "accepted messages could not be recorded; taking the long way");
        }
    }
    answered
}

/// Records answers together; when one of them cannot be recorded, the others are recorded without
/// it.
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
    conn.transaction(async |conn| {
        generic_plans::force(conn).await?;
        let recorded = submit::record(
            conn,
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
        lease::finish(conn, worker, &finishes, now).await?;
        consequences::carry_out(conn, &recorded.consequences, now).await?;
        Ok(())
    })
    .await
}
