//! Claiming a batch before anything is sent, together with the keys to send it with.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::Entered;
use crate::{
    connections,
    db::Conn,
    messages::claim::{self, Claim, Claimed, Room},
    queue::{
        self, Job, NewJob,
        lease::{self, Finish, JobId},
    },
    twilio::Credentials,
    types::id::{ConnectionId, MessageId},
    worker::{
        Worker,
        perform::{PerformError, is_away},
    },
};

/// How long a process that cannot read the saved keys leaves their messages to others.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// How long a message waits when its connection has as many calls in flight as it may have.
const CROWDED_PAUSE: TimeDelta = TimeDelta::milliseconds(100);

/// The keys of the connections in a batch.
pub(super) type Keys = HashMap<ConnectionId, Arc<Credentials>>;

impl Worker {
    /// Claims what may be sent and ends the jobs of what may not; commits before anything is sent.
    ///
    /// The keys are read in the same transaction: a claim without them would have to be taken back.
    pub(super) async fn claim(&self, entered: &HashMap<MessageId, Entered>) -> Result<(Vec<Box<Claimed>>, Keys), PerformError> {
        if entered.is_empty() {
            return Ok((Vec::new(), Keys::new()));
        }
        let now = self.clock.now();
        let mut unusable = None;
        let mut conn = self.db.get().await?;
        let claimed = conn
            .transaction(async |conn| {
                let claimed = self.claim_in(conn, entered, now).await?;
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
            let later = |entered: &Entered| (entered.job.id, Finish::Again(now + KEYLESS_PAUSE, Some(error.to_string())));
            let later: Vec<(JobId, Finish)> = entered.values().map(later).collect();
            lease::finish(&mut conn, &later, now).await?;
            return Ok((Vec::new(), Keys::new()));
        }
        claimed
    }

    async fn claim_in(
        &self,
        conn: &mut Conn,
        entered: &HashMap<MessageId, Entered>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Box<Claimed>>, PerformError> {
        let ids: Vec<MessageId> = entered.keys().copied().collect();
        let (mut claimed, mut finishes, mut looks) = (Vec::new(), Vec::new(), Vec::new());
        for (id, claim) in claim::claim(conn, &ids, &Room::unlimited(), self.id, now).await? {
            let job = entered[&id].job.id;
            match claim {
                Claim::Claimed(message) => claimed.push(message),
                Claim::Suppressed | Claim::Held | Claim::Expired | Claim::Queued | Claim::Gone => finishes.push((job, Finish::Done)),
                Claim::Crowded => finishes.push((job, Finish::Uncounted(now + CROWDED_PAUSE))),
                Claim::Busy => finishes.push((job, Finish::Again(now + lease::backoff(1), None))),
                Claim::Interrupted => {
                    finishes.push((job, Finish::Done));
                    looks.push(NewJob { job: Job::Settle(id), run_at: now });
                }
            }
        }
        queue::enqueue(conn, &looks, now).await?;
        lease::finish(conn, &finishes, now).await?;
        Ok(claimed)
    }
}
