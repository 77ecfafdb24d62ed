//! Claiming a batch before anything is sent, together with the keys to send it with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::InFlightGuard;
use crate::connections::{self, SendingKeys};
use crate::db::{self, Begun, Closing, Conn};
use crate::fail_point::FailPoint;
use crate::messages::claim::{self, Capacity, ClaimOutcome, ClaimedMessage};
use crate::queue::lease::{self, Finish, JobId};
use crate::queue::{self, Job, NewJob};
use crate::types::id::{ConnectionId, MessageId};
use crate::worker::Worker;
use crate::worker::error::{PerformError, is_database_down};
use crate::worker::until_written::until_written;

/// How long a process that cannot read the saved keys leaves their messages to other processes.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// The keys of the connections in a batch.
pub(in crate::worker) type KeysByConnection = HashMap<ConnectionId, Arc<SendingKeys>>;

/// The result of claiming a batch; all other jobs have ended.
#[derive(Default)]
pub(super) struct Claims {
    /// The messages to send now.
    pub(super) claimed: Vec<ClaimedMessage>,
    /// The messages that are unchanged, because their connections are at capacity.
    pub(super) at_capacity: Vec<(MessageId, ConnectionId)>,
    /// The keys to send with.
    pub(super) keys: KeysByConnection,
}

/// This process cannot use the saved keys of a connection.
pub(in crate::worker) struct UnusableKeys {
    connection: ConnectionId,
    error: PerformError,
}

impl From<UnusableKeys> for PerformError {
    fn from(unusable: UnusableKeys) -> Self {
        unusable.error
    }
}

impl Worker {
    /// Loads the keys of connections.
    pub(in crate::worker) async fn keys(
        &self,
        conn: &mut Conn,
        connections: impl Iterator<Item = ConnectionId>,
    ) -> Result<KeysByConnection, UnusableKeys> {
        let mut keys = KeysByConnection::new();
        for connection in connections.collect::<HashSet<_>>() {
            let found = connections::sending_keys(conn, connection, &self.secret_key).await;
            let found = found.map_err(|error| UnusableKeys { connection, error: error.into() })?;
            keys.insert(connection, Arc::new(found));
        }
        Ok(keys)
    }

    /// Claims what may be sent, and ends the jobs of what may not; commits before anything is sent.
    ///
    /// The same transaction reads the keys: a claim without keys would have to be undone.
    pub(super) async fn claim(
        &self,
        tracked: &HashMap<MessageId, InFlightGuard>,
        capacity: &Capacity,
    ) -> Result<Claims, PerformError> {
        if tracked.is_empty() {
            return Ok(Claims::default());
        }
        let now = self.clock.now();
        let mut unusable = None;
        let mut conn = self.db.get().await?;
        let claimed = db::transaction(&mut conn, async |tx| {
            let (mut claims, mut closing) = self.claim_within(tx, tracked, capacity, now).await?;
            let connections = claims.claimed.iter().map(|message| message.connection_id);
            claims.keys = self.keys(closing.without_waiting(), connections).await.map_err(
                |UnusableKeys { connection, error }| {
                    unusable = Some(connection);
                    error
                },
            )?;
            Ok::<_, PerformError>(claims)
        })
        .await;
        // Another process may have the right secret key: this one returns the jobs, and does not
        // stop the connection.
        if let (Err(error), Some(id)) = (&claimed, unusable)
            && !is_database_down(error)
        {
            tracing::error!(
                connection.id = %id,
                %error,
                "the saved keys cannot be used by this process; check its CARILLON_SECRET_KEY"
            );
            let later = |guard: &InFlightGuard| {
                (guard.job.id, Finish::Again(now + KEYLESS_PAUSE, Some(error.to_string())))
            };
            let later: Vec<(JobId, Finish)> = tracked.values().map(later).collect();
            lease::finish(&mut conn, self.id, &later, now).await?;
            return Ok(Claims::default());
        }
        if claimed.as_ref().is_ok_and(|claims| !claims.claimed.is_empty()) {
            FailPoint::Claimed.reach();
        }
        claimed
    }

    async fn claim_within<'t>(
        &self,
        tx: Begun<'t>,
        tracked: &HashMap<MessageId, InFlightGuard>,
        capacity: &Capacity,
        now: DateTime<Utc>,
    ) -> Result<(Claims, Closing<'t>), PerformError> {
        let ids: Vec<MessageId> = tracked.keys().copied().collect();
        let (mut claims, mut finishes, mut checks) = (Claims::default(), Vec::new(), Vec::new());
        let (claimed, mut closing) =
            claim::claim_messages(tx, &ids, capacity, self.id, now).await?;
        for (id, claim) in claimed {
            let job = tracked[&id].job.id;
            match claim {
                ClaimOutcome::Claimed(message) => claims.claimed.push(*message),
                ClaimOutcome::Suppressed
                | ClaimOutcome::Skipped
                | ClaimOutcome::Held
                | ClaimOutcome::Expired
                | ClaimOutcome::Queued
                | ClaimOutcome::Gone => {
                    finishes.push((job, Finish::Done));
                }
                ClaimOutcome::AtCapacity(connection) => claims.at_capacity.push((id, connection)),
                ClaimOutcome::Busy => {
                    finishes.push((job, Finish::Again(now + lease::backoff(1), None)));
                }
                ClaimOutcome::Interrupted => {
                    finishes.push((job, Finish::Done));
                    checks.push(NewJob { job: Job::Settle(id), run_at: now });
                }
            }
        }
        queue::enqueue(closing.without_waiting(), &checks, now).await?;
        lease::finish(closing.without_waiting(), self.id, &finishes, now).await?;
        Ok((claims, closing))
    }

    /// Returns the jobs of messages to the queue whose connections stayed at capacity.
    pub(super) async fn requeue_all(&self, waiting: &HashMap<MessageId, InFlightGuard>) {
        if waiting.is_empty() {
            return;
        }
        let now = self.clock.now();
        let finishes: Vec<(JobId, Finish)> =
            waiting.values().map(|guard| (guard.job.id, Finish::Uncounted(now))).collect();
        until_written(|| async {
            Ok(lease::finish(&mut *self.db.get().await?, self.id, &finishes, now).await?)
        })
        .await;
    }
}
