//! Settling: asks Twilio's message list about messages whose submission nobody confirmed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use crate::{
    automations::consequences,
    messages::{
        delivery::Report,
        reconcile::{self, NextStep, stale},
    },
    queue::{
        Job,
        lease::{self, Finish, JobId, Leased},
    },
    twilio::{Address, MessageFilter, TwilioMessage},
    types::id::{ConnectionId, MessageId},
    worker::{Worker, perform::PerformError},
};

/// How many of the newest messages to a number are looked through.
const MOST_LISTED: usize = 1_000;

/// How many lists are read at the same time.
const AT_ONCE: usize = 4;

/// How long messages of a connection wait whose keys cannot be used: not knowing is no reason to decide.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// Messages of one connection to one address: one list answers for all of them.
struct Group {
    connection: ConnectionId,
    to_address: String,
    since: DateTime<Utc>,
    jobs: Vec<(MessageId, Leased)>,
}

impl Worker {
    pub(super) async fn settle(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        let groups = self.group(jobs).await?;
        let settled: Vec<BoxFuture<'_, ()>> = groups.iter().map(|group| self.settle_or_put_back(group).boxed()).collect();
        stream::iter(settled).buffer_unordered(AT_ONCE).collect::<()>().await;
        Ok(())
    }

    async fn settle_or_put_back(&self, group: &Group) {
        if let Err(error) = self.settle_group(group).await {
            for (_, job) in &group.jobs {
                self.put_back(job, &error).await;
            }
        }
    }

    /// Puts the jobs together whose messages one list answers for; ends those that a callback has settled.
    async fn group(&self, jobs: Vec<Leased>) -> Result<Vec<Group>, PerformError> {
        let mut of_message: HashMap<MessageId, Vec<Leased>> = HashMap::new();
        for leased in jobs {
            if let Job::Settle(id) = leased.job {
                // A worker that was taken for dead may have made a second job for the same message.
                of_message.entry(id).or_default().push(leased);
            }
        }
        let ids: Vec<MessageId> = of_message.keys().copied().collect();
        let mut conn = self.db.get().await?;
        let mut groups: HashMap<(ConnectionId, String), Group> = HashMap::new();
        for unconfirmed in reconcile::load(&mut conn, &ids).await? {
            let jobs = of_message.remove(&unconfirmed.id).unwrap_or_default();
            let (connection, since) = (unconfirmed.connection_id, unconfirmed.since());
            let group = groups.entry((connection, unconfirmed.to_address.clone())).or_insert_with(|| Group {
                connection,
                to_address: unconfirmed.to_address,
                since,
                jobs: Vec::new(),
            });
            group.since = group.since.min(since);
            group.jobs.extend(jobs.into_iter().map(|job| (unconfirmed.id, job)));
        }
        let done: Vec<(JobId, Finish)> = of_message.values().flatten().map(|job| (job.id, Finish::Done)).collect();
        lease::finish(&mut conn, self.id, &done, self.clock.now()).await?;
        Ok(groups.into_values().collect())
    }

    async fn settle_group(&self, group: &Group) -> Result<(), PerformError> {
        let Some(keys) = self.keys_to_ask_with(group.connection).await? else {
            return self.postpone(group, |_| KEYLESS_PAUSE, "Twilio refuses the keys of the connection, or they cannot be read").await;
        };
        let filter = MessageFilter { to: Some(Address::parse(&group.to_address)), ..MessageFilter::default() };
        let request = self.twilio.list_messages_since(&keys, &filter, group.since, MOST_LISTED);
        let answer = self.windows.read(group.connection, request).await;
        match answer {
            Ok(listed) => self.conclude(group, &listed).await,
            Err(error) if error.is_transient() => self.postpone(group, |job| lease::backoff(job.attempt), &error.to_string()).await,
            Err(error) => self.postpone(group, |_| KEYLESS_PAUSE, &error.to_string()).await,
        }
    }

    /// Looks again later; the look that could not be does not count.
    async fn postpone(&self, group: &Group, wait: impl Fn(&Leased) -> TimeDelta, why: &str) -> Result<(), PerformError> {
        let now = self.clock.now();
        let finishes: Vec<(JobId, Finish)> =
            group.jobs.iter().map(|(_, job)| (job.id, Finish::Again(now + wait(job), Some(why.to_owned())))).collect();
        Ok(lease::finish(&mut *self.db.get().await?, self.id, &finishes, now).await?)
    }

    /// Gives each message the one of Twilio's that it is; in one transaction with the end of the jobs.
    async fn conclude(&self, group: &Group, listed: &[TwilioMessage]) -> Result<(), PerformError> {
        let now = self.clock.now();
        let sids: Vec<&str> = listed.iter().map(|listed| listed.sid.as_str()).collect();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let open = reconcile::lock_all_to(conn, &group.to_address, group.since).await?;
            let owned = reconcile::owned(conn, &sids, &group.to_address).await?;
            let assigned = reconcile::assign(&open, listed, &owned, now);
            let reports: Vec<Report> = assigned.iter().map(|(id, connection, found)| stale::report(*id, *connection, found)).collect();
            let mut finishes = Vec::new();
            for (id, job) in &group.jobs {
                let settled = assigned.iter().any(|(assigned, ..)| assigned == id);
                let finish = match open.iter().find(|open| open.id == *id && !settled) {
                    None => Finish::Done,
                    Some(unconfirmed) => match reconcile::nothing_found(conn, unconfirmed, &open, now).await? {
                        NextStep::LookAgain(at) => Finish::Again(at, None),
                        NextStep::Decided => Finish::Done,
                    },
                };
                finishes.push((job.id, finish));
            }
            lease::finish(conn, self.id, &finishes, now).await?;
            consequences::take_in(conn, &reports, now).await?;
            Ok(())
        })
        .await
    }
}
