//! Sending: claim a batch, call Twilio for each message with many calls in flight, record the answers as they come.
//!
//! A batch is claimed in one transaction ([`claiming`]). Each call is a task of its own ([`posting`]), and all answers of the process
//! that have come in meanwhile are recorded together ([`recording`]), whichever batch they belong to.

mod claiming;
mod posting;
pub(super) mod recording;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    sync::OwnedSemaphorePermit,
    task::{self, JoinSet},
};

use crate::{
    queue::{
        Job,
        lease::{self, Finish, Leased},
    },
    types::id::MessageId,
    worker::{Worker, perform::PerformError, windows::Ending},
};

/// The messages that a process is submitting right now: none of them is claimed again by it.
pub(super) type InFlight = Arc<Mutex<HashSet<MessageId>>>;

/// A message among those in flight, until this is dropped.
struct Entered {
    job: Leased,
    message: MessageId,
    in_flight: InFlight,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.in_flight.lock().remove(&self.message);
    }
}

impl Worker {
    /// Sends messages; returns when the last answer is recorded. Each gives its place back as it ends.
    pub(super) async fn send(&self, jobs: Vec<Leased>, mut places: Option<OwnedSemaphorePermit>) -> Result<(), PerformError> {
        let mut entered = self.enter(jobs).await?;
        let mut reserved = self.windows.reserve(entered.len());
        let claims = self.claim(&entered, &reserved.room()).await?;

        let worker = Arc::new(self.clone());
        let mut calls = JoinSet::new();
        let mut jobs: HashMap<task::Id, Leased> = HashMap::with_capacity(claims.claimed.len());
        for claimed in claims.claimed {
            let Some(entered) = entered.remove(&claimed.message_id) else { continue };
            let place = places.as_mut().and_then(|places| places.split(1));
            let keys = Arc::clone(&claims.keys[&claimed.connection_id]);
            let window = reserved.place(claimed.connection_id);
            let worker = Arc::clone(&worker);
            let job = entered.job;
            let call = calls.spawn(async move {
                let outcome = worker.post(*claimed, &keys).await;
                window.end(Ending::of_post(&outcome.answer));
                worker.recorder.record(job.id, outcome).await;
                drop((entered, place));
            });
            jobs.insert(call.id(), job);
        }
        drop(reserved);
        let crowded: Vec<Entered> = claims.crowded.iter().filter_map(|id| entered.remove(id)).collect();
        let kept = places.as_mut().and_then(|places| places.split(crowded.len()));
        drop((entered, places));
        self.give_back(&crowded).await;
        drop((crowded, kept));
        while let Some(ended) = calls.join_next_with_id().await {
            if let Err(error) = ended
                && let Some(job) = jobs.get(&error.id())
            {
                tracing::error!(%error, "a call to Twilio ended without an answer");
                self.put_back(job, &PerformError::Panicked).await;
            }
        }
        Ok(())
    }

    /// Notes the messages as in flight; a job for one that is in flight already waits.
    async fn enter(&self, jobs: Vec<Leased>) -> Result<HashMap<MessageId, Entered>, PerformError> {
        let mut entered = HashMap::with_capacity(jobs.len());
        let mut doubled = Vec::new();
        {
            let mut in_flight = self.in_flight.lock();
            for job in jobs {
                let Job::Send(message) = job.job else { continue };
                if in_flight.insert(message) {
                    entered.insert(message, Entered { job, message, in_flight: Arc::clone(&self.in_flight) });
                } else {
                    doubled.push((job.id, Finish::Again(self.clock.now() + lease::backoff(1), None)));
                }
            }
        }
        if !doubled.is_empty() {
            lease::finish(&mut *self.db.get().await?, &doubled, self.clock.now()).await?;
        }
        Ok(entered)
    }
}
