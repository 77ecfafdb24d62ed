//! Claiming a batch before anything is sent, together with the keys to send it with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::InFlightGuard;
use crate::connections::{self, SendingKeys};
use crate::db::Conn;
use crate::fail_point::FailPoint;
use crate::messages::claim::{self, Capacity, Claim, Claimed};
use crate::queue::lease::{self, Finish, JobId};
use crate::queue::{self, Job, NewJob};
use crate::types::id::{ConnectionId, MessageId};
use crate::worker::Worker;
use crate::worker::error::{PerformError, is_away};
use crate::worker::until_written::until_written;

/// How long a process that cannot read the saved keys leaves their messages to others.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// The keys of the connections in a batch.
pub(in crate::worker) type KeysByConnection = HashMap<ConnectionId, Arc<SendingKeys>>;

/// What became of a batch; the jobs of all others have ended.
#[derive(Default)]
pub(super) struct Claims {
    /// To be sent now.
    pub(super) claimed: Vec<Claimed>,
    /// Untouched, since their connections have no place for them.
    pub(super) at_capacity: Vec<(MessageId, ConnectionId)>,
    /// The keys to send with.
    pub(super) keys: KeysByConnection,
}

/// The saved keys of a connection cannot be used by this process.
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
    /// The keys of connections.
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

    /// Claims what may be sent and ends the jobs of what may not; commits before anything is sent.
    ///
    /// The keys are read in the same transaction: a claim without them would have to be taken back.
    pub(super) async fn claim(
        &self,
        entered: &HashMap<MessageId, InFlightGuard>,
        room: &Capacity,
    ) -> Result<Claims, PerformError> {
        if entered.is_empty() {
            return Ok(Claims::default());
        }
        let now = self.clock.now();
        let mut unusable = None;
        let mut conn = self.db.get().await?;
        let claimed = conn
            .transaction(async |conn| {
                let mut claims = self.claim_in(conn, entered, room, now).await?;
                let connections = claims.claimed.iter().map(|message| message.connection_id);
                claims.keys = self.keys(conn, connections).await.map_err(
                    |UnusableKeys { connection, error }| {
                        unusable = Some(connection);
                        error
                    },
                )?;
                Ok::<_, PerformError>(claims)
            })
            .await;
        // Another process, with the right secret key, may well be able to: this one gives the jobs
        // back and leaves the connection alone.
        if let (Err(error), Some(id)) = (&claimed, unusable)
            && !is_away(error)
        {
            tracing::error!(
                connection.id = %id,
                %error,
                "the saved keys cannot be used by this process; check its CARILLON_SECRET_KEY"
            );
            let later = |entered: &InFlightGuard| {
                (entered.job.id, Finish::Again(now + KEYLESS_PAUSE, Some(error.to_string())))
            };
            let later: Vec<(JobId, Finish)> = entered.values().map(later).collect();
            lease::finish(&mut conn, self.id, &later, now).await?;
            return Ok(Claims::default());
        }
        if claimed.as_ref().is_ok_and(|claims| !claims.claimed.is_empty()) {
            FailPoint::Claimed.reach();
        }
        claimed
    }

    async fn claim_in(
        &self,
        conn: &mut Conn,
        entered: &HashMap<MessageId, InFlightGuard>,
        room: &Capacity,
        now: DateTime<Utc>,
    ) -> Result<Claims, PerformError> {
        let ids: Vec<MessageId> = entered.keys().copied().collect();
        let (mut claims, mut finishes, mut looks) = (Claims::default(), Vec::new(), Vec::new());
        for (id, claim) in claim::claim(conn, &ids, room, self.id, now).await? {
            let job = entered[&id].job.id;
            match claim {
                Claim::Claimed(message) => claims.claimed.push(*message),
                Claim::Suppressed
                | Claim::Skipped
                | Claim::Held
                | Claim::Expired
                | Claim::Queued
                | Claim::Gone => {
                    finishes.push((job, Finish::Done));
                }
                Claim::AtCapacity(connection) => claims.at_capacity.push((id, connection)),
                Claim::Busy => finishes.push((job, Finish::Again(now + lease::backoff(1), None))),
                Claim::Interrupted => {
                    finishes.push((job, Finish::Done));
                    looks.push(NewJob { job: Job::Settle(id), run_at: now });
                }
            }
        }
        queue::enqueue(conn, &looks, now).await?;
        lease::finish(conn, self.id, &finishes, now).await?;
        Ok(claims)
    }

    /// Gives the jobs of messages back for which there was no place.
    pub(super) async fn give_back(&self, at_capacity: &HashMap<MessageId, InFlightGuard>) {
        if at_capacity.is_empty() {
            return;
        }
        let now = self.clock.now();
        let finishes: Vec<(JobId, Finish)> =
            at_capacity.values().map(|entered| (entered.job.id, Finish::Uncounted(now))).collect();
        until_written(|| async {
            Ok(lease::finish(&mut *self.db.get().await?, self.id, &finishes, now).await?)
        })
        .await;
    }
}
