//! Sending: claim a batch, call Twilio for each message with many calls in flight, record the answers as they come.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    automations::enroll,
    connections,
    contacts::suppressions::{self, Evidence, Source},
    db::Conn,
    error::Error,
    messages::{
        claim::{self, Claim, Claimed},
        stop,
        submit::{self, Effect, Outcome},
    },
    queue::{
        self, Job, NewJob,
        lease::{self, Finish, JobId, Leased},
    },
    senders,
    twilio::{Address, Credentials, NewTwilioMessage, SendError, SendFrom, sid::ServiceSid},
    types::{
        id::{ConnectionId, MessageId},
        phone::PhoneNumber,
    },
    worker::{
        BATCH, Worker,
        perform::{PerformError, is_away},
    },
};

/// How long a process that cannot read the saved keys leaves their messages to others.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// The keys of the connections in a batch.
type Keys = HashMap<ConnectionId, Arc<Credentials>>;

/// A claimed message on its way, with the job that it belongs to and its place among those in flight.
struct Sent {
    job: JobId,
    outcome: Outcome,
    _place: Option<OwnedSemaphorePermit>,
}

impl Worker {
    pub(super) async fn send(&self, jobs: Vec<Leased>, mut places: Option<OwnedSemaphorePermit>) -> Result<(), PerformError> {
        let jobs = self.enter(jobs).await?;
        let leaving = Leaving { worker: self, messages: jobs.keys().copied().collect() };
        let (claimed, keys) = self.claim(&jobs).await?;

        let calls: FuturesUnordered<_> = claimed
            .into_iter()
            .map(|claimed| {
                let job = jobs[&claimed.message_id];
                let place = places.as_mut().and_then(|places| places.split(1));
                let keys = Arc::clone(&keys[&claimed.connection_id]);
                async move { Sent { job, outcome: self.submit(*claimed, keys).await, _place: place } }
            })
            .collect();
        // Whatever has been answered by the time the last record is written is recorded together.
        let mut answered = calls.ready_chunks(BATCH);
        while let Some(sent) = answered.next().await {
            self.record(sent).await;
        }
        drop(leaving);
        Ok(())
    }

    /// Notes the messages as in flight; a job for one that is in flight already waits.
    async fn enter(&self, jobs: Vec<Leased>) -> Result<HashMap<MessageId, JobId>, PerformError> {
        let mut entered = HashMap::with_capacity(jobs.len());
        let mut doubled = Vec::new();
        {
            let mut in_flight = self.in_flight.lock();
            for leased in jobs {
                let (Job::Send(id) | Job::Settle(id)) = leased.job else { continue };
                if in_flight.insert(id) {
                    entered.insert(id, leased.id);
                } else {
                    doubled.push((leased.id, Finish::Again(self.clock.now() + lease::backoff(1), None)));
                }
            }
        }
        if !doubled.is_empty() {
            lease::finish(&mut *self.db.get().await?, &doubled, self.clock.now()).await?;
        }
        Ok(entered)
    }

    /// Claims what may be sent and ends the jobs of what may not; commits before anything is sent.
    ///
    /// The keys are read in the same transaction: a claim without them would have to be taken back.
    async fn claim(&self, jobs: &HashMap<MessageId, JobId>) -> Result<(Vec<Box<Claimed>>, Keys), PerformError> {
        let ids: Vec<MessageId> = jobs.keys().copied().collect();
        let now = self.clock.now();
        let mut unusable = None;
        let mut conn = self.db.get().await?;
        let claimed = conn
            .transaction(async |conn| {
                let claimed = self.claim_in(conn, jobs, &ids, now).await?;
                let mut keys = Keys::new();
                for id in claimed.iter().map(|message| message.connection_id).collect::<HashSet<_>>() {
                    match connections::credentials(conn, id, &self.secret_key).await {
                        Ok(credentials) => keys.insert(id, Arc::new(credentials)),
                        Err(error) => {
                            unusable = Some(id);
                            return Err(error.into());
                        }
                    };
                }
                Ok::<_, PerformError>((claimed, keys))
            })
            .await;
        // Another process, with the right secret key, may well be able to: this one gives the jobs back and leaves the connection alone.
        if let (Err(error), Some(id)) = (&claimed, unusable)
            && !is_away(error)
        {
            tracing::error!(connection.id = %id, %error, "the saved keys cannot be used by this process; check its CARILLON_SECRET_KEY");
            let later: Vec<(JobId, Finish)> =
                jobs.values().map(|job| (*job, Finish::Again(now + KEYLESS_PAUSE, Some(error.to_string())))).collect();
            lease::finish(&mut conn, &later, now).await?;
            return Ok((Vec::new(), Keys::new()));
        }
        claimed
    }

    async fn claim_in(
        &self,
        conn: &mut Conn,
        jobs: &HashMap<MessageId, JobId>,
        ids: &[MessageId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Box<Claimed>>, PerformError> {
        let (mut claimed, mut finishes, mut looks) = (Vec::new(), Vec::new(), Vec::new());
        for (id, claim) in claim::claim(conn, ids, self.id, now).await? {
            match claim {
                Claim::Claimed(message) => claimed.push(message),
                Claim::Suppressed | Claim::Held | Claim::Gone => finishes.push((jobs[&id], Finish::Done)),
                Claim::Busy => finishes.push((jobs[&id], Finish::Again(now + lease::backoff(1), None))),
                Claim::Interrupted => {
                    finishes.push((jobs[&id], Finish::Done));
                    looks.push(NewJob { job: Job::Settle(id), run_at: now });
                }
            }
        }
        queue::enqueue(conn, &looks, now).await?;
        lease::finish(conn, &finishes, now).await?;
        Ok(claimed)
    }

    /// Calls Twilio once for a claimed message.
    async fn submit(&self, claimed: Claimed, keys: Arc<Credentials>) -> Outcome {
        let started = Instant::now();
        let status_callback =
            self.public_url.join(&format!("/hooks/twilio/{}/status/{}#rc=5&rp=all", claimed.connection_id, claimed.message_id));
        let message = NewTwilioMessage {
            to: Address::parse(&claimed.to_address),
            from: send_from(&claimed.sender_address),
            body: Some(claimed.body.clone()).filter(|body| !body.is_empty()),
            media_urls: claimed.media_urls.clone(),
            status_callback: Some(status_callback),
            validity_period: None,
        };
        let answer = self.twilio.create_message(&keys, &message).await;
        let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
        Outcome { claimed, answer, finished_at: self.clock.now(), duration_ms }
    }

    /// Records answers together; when one of them cannot be recorded, the others are recorded without it.
    async fn record(&self, sent: Vec<Sent>) {
        let (jobs, outcomes): (Vec<JobId>, Vec<Outcome>) = sent.into_iter().map(|sent| (sent.job, sent.outcome)).unzip();
        if self.until_written(|| self.record_together(&jobs, &outcomes)).await.is_some() || outcomes.len() == 1 {
            return;
        }
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            let alone = (std::slice::from_ref(job), std::slice::from_ref(outcome));
            self.until_written(|| self.record_together(alone.0, alone.1)).await;
        }
    }

    async fn record_together(&self, jobs: &[JobId], outcomes: &[Outcome]) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let silences = |outcome: &&Outcome| {
                matches!(submit::decide(&outcome.answer, outcome.claimed.attempt, now).effect, Some(Effect::Suppress(_)))
            };
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
                    self.apply(conn, &outcome.claimed, effect, outcome).await?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Does what an answer demands beyond its own message.
    async fn apply(&self, conn: &mut Conn, claimed: &Claimed, effect: Effect, outcome: &Outcome) -> Result<(), Error> {
        let now = self.clock.now();
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

    /// Gives one job back to the queue after an error.
    pub(super) async fn put_back(&self, job: &Leased, error: &PerformError) {
        let now = self.clock.now();
        let finish = [(job.id, Finish::Again(now + lease::backoff(job.attempt), Some(error.to_string())))];
        self.until_written(|| async { Ok(lease::finish(&mut *self.db.get().await?, &finish, now).await?) }).await;
        if !is_away(error) {
            tracing::warn!(kind = %job.job.kind(), subject = %job.job.subject(), %error, "a job could not be done and goes back to the queue");
        }
    }
}

/// What Twilio is told to send from.
fn send_from(address: &str) -> SendFrom {
    ServiceSid::parse(address).map_or_else(|_| SendFrom::Address(Address::parse(address)), SendFrom::Service)
}

/// Takes messages out of those in flight, however the sending ends.
struct Leaving<'a> {
    worker: &'a Worker,
    messages: Vec<MessageId>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.worker.in_flight.lock();
        for id in &self.messages {
            in_flight.remove(id);
        }
    }
}
