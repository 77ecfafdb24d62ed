//! Recording answers: all that have come in while the last were written are written together.

use diesel_async::AsyncConnection;

use crate::{
    automations::enroll,
    batch::Batcher,
    clock::Clock,
    connections,
    contacts::suppressions::{self, Evidence, Source},
    db::{Conn, Pool},
    error::Error,
    messages::{
        claim::Claimed,
        stop,
        submit::{self, Effect, Outcome},
    },
    queue::lease::{self, Finish, JobId},
    senders,
    twilio::SendError,
    types::phone::PhoneNumber,
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
        let silences =
            |outcome: &&Outcome| matches!(submit::decide(&outcome.answer, outcome.claimed.attempt, now).effect, Some(Effect::Suppress(_)));
        let addresses = outcomes.iter().filter(silences).map(|outcome| &outcome.claimed.to_address);
        let silenced: Vec<PhoneNumber> = addresses.filter_map(|address| PhoneNumber::from_e164(address).ok()).collect();
        suppressions::queue_up(conn, &silenced.iter().collect::<Vec<_>>()).await?;
        let recorded = submit::record(conn, outcomes, now).await?;
        let finishes: Vec<(JobId, Finish)> = jobs
            .iter()
            .zip(&recorded)
            .map(|(job, recorded)| (*job, recorded.retry_at.map_or(Finish::Done, |at| Finish::Again(at, None))))
            .collect();
        lease::finish(conn, &finishes, now).await?;
        for (outcome, recorded) in outcomes.iter().zip(&recorded) {
            if let Some(effect) = recorded.effect {
                apply(conn, clock, &outcome.claimed, effect, outcome).await?;
            }
        }
        Ok(())
    })
    .await
}

/// Does what an answer demands beyond its own message.
async fn apply(conn: &mut Conn, clock: &Clock, claimed: &Claimed, effect: Effect, outcome: &Outcome) -> Result<(), Error> {
    let now = clock.now();
    let why = outcome.answer.as_ref().err().map_or_else(String::new, ToString::to_string);
    match effect {
        Effect::StopSender => senders::stop(conn, claimed.sender_id, &why, now).await.map(drop),
        Effect::StopConnection => connections::stop(conn, claimed.connection_id, &why, now).await.map(drop),
        Effect::Suppress(reason) => {
            let Ok(phone) = PhoneNumber::from_e164(&claimed.to_address) else { return Ok(()) };
            let evidence = Evidence {
                phone: phone.clone(),
                reason,
                source: Source::Twilio,
                message_id: Some(claimed.message_id),
                user_id: None,
                note: outcome.answer.as_ref().err().and_then(SendError::code).map(|code| code.to_string()),
            };
            let suppressed = suppressions::suppress(conn, evidence, now).await?;
            enroll::react(conn, now, &suppressed.changes).await?;
            stop::take_back_pending(conn, &phone, reason, now).await.map(drop)
        }
    }
}
