//! Recording answers: all that have come in while the last were written are written together.

use diesel_async::AsyncConnection;

use crate::{
    automations::consequences,
    batch::Batcher,
    clock::Clock,
    db::{Pool, plans},
    messages::submit::{self, Outcome},
    queue::lease::{self, Finish, JobId},
    worker::{
        BATCH,
        perform::{PerformError, until_written},
    },
};

/// Writes down what Twilio answered; cheap to clone, one for each worker.
#[derive(Clone)]
pub(in crate::worker) struct Recorder(Batcher<Answered, ()>);

/// An answer and the job that it ends.
struct Answered {
    job: JobId,
    outcome: Outcome,
}

impl Recorder {
    /// Starts recording on the present runtime.
    pub(in crate::worker) fn start(db: &Pool, clock: &Clock) -> Self {
        let (db, clock) = (db.clone(), clock.clone());
        Self(Batcher::spawn(BATCH, move |answered: Vec<Answered>| {
            let (db, clock) = (db.clone(), clock.clone());
            async move {
                let answers = vec![(); answered.len()];
                let (jobs, outcomes): (Vec<JobId>, Vec<Outcome>) =
                    answered.into_iter().map(|answered| (answered.job, answered.outcome)).unzip();
                record(&db, &clock, &jobs, &outcomes).await;
                answers
            }
        }))
    }

    /// Records an answer; returns when it is committed.
    pub(super) async fn record(&self, job: JobId, outcome: Outcome) {
        // None when the process ends, or the work panicked: the message then shows as unconfirmed and is settled by asking Twilio.
        let _: Option<()> = self.0.submit(Answered { job, outcome }).await;
    }
}

/// Records answers together; when one of them cannot be recorded, the others are recorded without it.
async fn record(db: &Pool, clock: &Clock, jobs: &[JobId], outcomes: &[Outcome]) {
    if until_written(|| record_together(db, clock, jobs, outcomes)).await.is_some() || outcomes.len() == 1 {
        return;
    }
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let (job, outcome) = (std::slice::from_ref(job), std::slice::from_ref(outcome));
        until_written(|| record_together(db, clock, job, outcome)).await;
    }
}

async fn record_together(db: &Pool, clock: &Clock, jobs: &[JobId], outcomes: &[Outcome]) -> Result<(), PerformError> {
    let now = clock.now();
    let mut conn = db.get().await?;
    conn.transaction(async |conn| {
        plans::keep(conn).await?;
        let recorded = submit::record(conn, outcomes, now).await?;
        let finishes: Vec<(JobId, Finish)> = jobs
            .iter()
            .zip(&recorded.messages)
            .map(|(job, recorded)| (*job, recorded.retry_at.map_or(Finish::Done, Finish::Uncounted)))
            .collect();
        lease::finish(conn, &finishes, now).await?;
        consequences::carry_out(conn, &recorded.consequences, now).await?;
        Ok(())
    })
    .await
}
