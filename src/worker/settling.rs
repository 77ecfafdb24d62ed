//! Settling: asks Twilio's message list about messages whose submission nobody confirmed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::error::{PerformError, is_away};
use crate::automations::consequences;
use crate::messages::reconcile::{self, NextStep, stale};
use crate::messages::report::Report;
use crate::queue::Job;
use crate::queue::lease::{self, Finish, JobId, Leased};
use crate::twilio::{Address, Listing, TwilioMessage, TwilioMessageFilter};
use crate::types::id::{ConnectionId, MessageId};
use crate::worker::Worker;

/// How many of the newest messages to a number are looked through.
const MAX_LISTED: usize = 1_000;

/// How many lists are read at the same time.
const AT_ONCE: usize = 4;

/// How long messages of a connection wait whose keys cannot be used: not knowing is no reason to
/// decide.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// Messages of one connection to one address: one list answers for all of them.
struct Group {
    connection: ConnectionId,
    to_address: String,
    since: DateTime<Utc>,
    jobs: Vec<(MessageId, Leased)>,
    takes: Takes,
}

/// What is written of what a list tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// All that it tells of messages to the address.
    All,
    /// What it tells of the group's own messages.
    ItsOwn,
}

impl Worker {
    pub(super) async fn settle(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        let groups = match self.group(jobs.clone()).await {
            Ok(groups) => groups,
            Err(error) if is_away(&error) || jobs.len() == 1 => return Err(error),
            // One of them cannot be read: the others are settled without it.
            Err(_) => {
                let mut groups = Vec::new();
                for job in jobs {
                    match self.group(vec![job]).await {
                        Ok(alone) => groups.extend(alone),
                        Err(error) => self.put_back(&job, &error).await,
                    }
                }
                groups
            }
        };
        let settled: Vec<BoxFuture<'_, ()>> =
            groups.iter().map(|group| self.settle_or_put_back(group).boxed()).collect();
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

    /// Puts the jobs together whose messages one list answers for; ends those that a callback has
    /// settled.
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
            let group =
                groups.entry((connection, unconfirmed.to_address.clone())).or_insert_with(|| {
                    Group {
                        connection,
                        to_address: unconfirmed.to_address,
                        since,
                        jobs: Vec::new(),
                        takes: Takes::All,
                    }
                });
            group.since = group.since.min(since);
            group.jobs.extend(jobs.into_iter().map(|job| (unconfirmed.id, job)));
        }
        let done: Vec<(JobId, Finish)> =
            of_message.values().flatten().map(|job| (job.id, Finish::Done)).collect();
        lease::finish(&mut conn, self.id, &done, self.clock.now()).await?;
        Ok(groups.into_values().collect())
    }

    async fn settle_group(&self, group: &Group) -> Result<(), PerformError> {
        let Some(keys) = self.keys_to_ask_with(group.connection).await? else {
            return self
                .postpone(
                    group,
                    |_| KEYLESS_PAUSE,
                    "Twilio refuses the keys of the connection, or they cannot be read",
                )
                .await;
        };
        let filter = TwilioMessageFilter {
            to: Some(Address::parse(&group.to_address)),
            ..TwilioMessageFilter::default()
        };
        let request = self.twilio.list_messages_since(&keys, &filter, group.since, MAX_LISTED);
        let answer = self.windows.read(group.connection, request).await;
        match answer {
            Ok(listing) => self.conclude_each(group, &listing).await,
            Err(error) if error.is_transient() => {
                self.postpone(group, |job| lease::backoff(job.attempt), &error.to_string()).await
            }
            Err(error) => self.postpone(group, |_| KEYLESS_PAUSE, &error.to_string()).await,
        }
    }

    /// Looks again later; the look that could not be does not count.
    async fn postpone(
        &self,
        group: &Group,
        wait: impl Fn(&Leased) -> TimeDelta,
        why: &str,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let finishes: Vec<(JobId, Finish)> = group
            .jobs
            .iter()
            .map(|(_, job)| (job.id, Finish::Again(now + wait(job), Some(why.to_owned()))))
            .collect();
        Ok(lease::finish(&mut *self.db.get().await?, self.id, &finishes, now).await?)
    }

    /// Concludes about a group together, or about each message by itself where one of them cannot
    /// be settled.
    async fn conclude_each(
        &self,
        group: &Group,
        listing: &Listing<TwilioMessage>,
    ) -> Result<(), PerformError> {
        match self.conclude(group, listing).await {
            Err(error) if !is_away(&error) && group.jobs.len() > 1 => {
                for (id, job) in &group.jobs {
                    let alone = Group {
                        to_address: group.to_address.clone(),
                        jobs: vec![(*id, *job)],
                        takes: Takes::ItsOwn,
                        ..*group
                    };
                    if let Err(error) = self.conclude(&alone, listing).await {
                        self.put_back(job, &error).await;
                    }
                }
                Ok(())
            }
            done => done,
        }
    }

    /// Gives each message the one of Twilio's that it is; in one transaction with the end of the
    /// jobs.
    async fn conclude(
        &self,
        group: &Group,
        listing: &Listing<TwilioMessage>,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let listed = listing.items.as_slice();
        let sids: Vec<&str> = listed.iter().map(|listed| listed.sid.as_str()).collect();
        let broken =
            listing.broken.first().map(|broken| broken.error.to_string()).unwrap_or_default();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let open = reconcile::lock_all_to(conn, &group.to_address, group.since).await?;
            let owned = reconcile::owned(conn, &sids, &group.to_address).await?;
            let assigned = reconcile::assign(&open, listed, &owned, now);
            let is_own = |id: MessageId| group.jobs.iter().any(|(own, _)| *own == id);
            let taken = assigned.iter().filter(|(id, ..)| group.takes == Takes::All || is_own(*id));
            let reports: Vec<Report> = taken
                .map(|(id, connection, found)| stale::report(*id, *connection, found))
                .collect();
            let mut finishes = Vec::new();
            for (id, job) in &group.jobs {
                let settled = assigned.iter().any(|(assigned, ..)| assigned == id);
                let finish = match open.iter().find(|open| open.id == *id && !settled) {
                    None => Finish::Done,
                    // What cannot be read may be this very message: that it is not there is no
                    // finding.
                    Some(_) if !listing.broken.is_empty() => {
                        Finish::Again(now + KEYLESS_PAUSE, Some(broken.clone()))
                    }
                    Some(unconfirmed) => {
                        match reconcile::nothing_found(conn, unconfirmed, &open, now).await? {
                            NextStep::LookAgain(at) => Finish::Again(at, None),
                            NextStep::Decided => Finish::Done,
                        }
                    }
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
