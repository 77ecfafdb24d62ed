//! Settling unconfirmed messages: reads Twilio's list of messages to find out whether Twilio has
//! them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::Worker;
use super::error::{PerformError, is_database_down};
use crate::automations::consequences;
use crate::db;
use crate::messages::reconcile::{self, NextStep};
use crate::messages::status_reports::Report;
use crate::queue::Job;
use crate::queue::lease::{self, Finish, JobId, Leased};
use crate::twilio::{Address, Listing, TwilioMessage, TwilioMessageFilter};
use crate::types::id::{ConnectionId, MessageId};

/// How many messages to a number are read, the newest first.
const MAX_LISTED: usize = 1_000;

/// How many lists are read concurrently.
const MAX_CONCURRENT_LISTS: usize = 4;

/// How long messages wait if the keys of their connection are unusable: an unknown state is no
/// reason for a decision.
const KEYLESS_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// The messages of one connection to one address: one list is enough for all of them.
struct Group {
    connection: ConnectionId,
    to_address: String,
    since: DateTime<Utc>,
    jobs: Vec<(MessageId, Leased)>,
    scope: Scope,
}

/// Which results of a list are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The results for all messages to the address.
    All,
    /// The results for the group's own messages.
    Group,
}

impl Worker {
    pub(super) async fn settle(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        let groups = match self.group(jobs.clone()).await {
            Ok(groups) => groups,
            Err(error) if is_database_down(&error) || jobs.len() == 1 => return Err(error),
            // One of them cannot be read: the others are settled without it.
            Err(_) => {
                let mut groups = Vec::new();
                for job in jobs {
                    match self.group(vec![job]).await {
                        Ok(alone) => groups.extend(alone),
                        Err(error) => self.requeue(&job, &error).await,
                    }
                }
                groups
            }
        };
        let settled: Vec<BoxFuture<'_, ()>> =
            groups.iter().map(|group| self.settle_or_requeue(group).boxed()).collect();
        stream::iter(settled).buffer_unordered(MAX_CONCURRENT_LISTS).collect::<()>().await;
        Ok(())
    }

    async fn settle_or_requeue(&self, group: &Group) {
        if let Err(error) = self.settle_group(group).await {
            for (_, job) in &group.jobs {
                self.requeue(job, &error).await;
            }
        }
    }

    /// Groups the jobs whose messages one list can settle; ends those that a callback has settled.
    async fn group(&self, jobs: Vec<Leased>) -> Result<Vec<Group>, PerformError> {
        let mut of_message: HashMap<MessageId, Vec<Leased>> = HashMap::new();
        for leased in jobs {
            if let Job::Settle(id) = leased.job {
                // A worker that was wrongly considered dead may have created a second job for the
                // message.
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
                        scope: Scope::All,
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
        let Some(keys) = self.usable_keys(group.connection).await? else {
            return self
                .postpone(
                    group,
                    |_| KEYLESS_PAUSE,
                    "Twilio refuses the keys of the connection, or they can’t be read",
                )
                .await;
        };
        let filter = TwilioMessageFilter {
            to: Some(Address::parse(&group.to_address)),
            ..TwilioMessageFilter::default()
        };
        let request = self.twilio.list_messages_since(&keys, &filter, group.since, MAX_LISTED);
        let answer = self.concurrency_limits.read(group.connection, request).await;
        match answer {
            Ok(listing) => self.settle_each(group, &listing).await,
            Err(error) if error.is_transient() => {
                self.postpone(group, |job| lease::backoff(job.attempt), &error.to_string()).await
            }
            Err(error) => self.postpone(group, |_| KEYLESS_PAUSE, &error.to_string()).await,
        }
    }

    /// Postpones the jobs; a check that was not possible does not count.
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

    /// Settles a group in one transaction, or message by message if one of them fails.
    async fn settle_each(
        &self,
        group: &Group,
        listing: &Listing<TwilioMessage>,
    ) -> Result<(), PerformError> {
        match self.settle_together(group, listing).await {
            Err(error) if !is_database_down(&error) && group.jobs.len() > 1 => {
                for (id, job) in &group.jobs {
                    let alone = Group {
                        to_address: group.to_address.clone(),
                        jobs: vec![(*id, *job)],
                        scope: Scope::Group,
                        ..*group
                    };
                    if let Err(error) = self.settle_together(&alone, listing).await {
                        self.requeue(job, &error).await;
                    }
                }
                Ok(())
            }
            done => done,
        }
    }

    /// Assigns Twilio's messages to ours, in one transaction with the end of the jobs.
    async fn settle_together(
        &self,
        group: &Group,
        listing: &Listing<TwilioMessage>,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let listed = listing.items.as_slice();
        let sids: Vec<&str> = listed.iter().map(|listed| listed.sid.as_str()).collect();
        let broken =
            listing.unreadable.first().map(|item| item.error.to_string()).unwrap_or_default();
        let mut conn = self.db.get().await?;
        db::transaction(&mut conn, async |tx| {
            let mut tx = tx.open();
            let open = reconcile::lock_all_to(&mut tx, &group.to_address, group.since).await?;
            let owned = reconcile::owned_sids(&mut tx, &sids, &group.to_address).await?;
            let assigned = reconcile::assign(&open, listed, &owned, now);
            let is_in_group = |id: MessageId| group.jobs.iter().any(|(own, _)| *own == id);
            let recorded =
                assigned.iter().filter(|(id, ..)| group.scope == Scope::All || is_in_group(*id));
            let reports: Vec<Report> = recorded
                .map(|(id, connection, found)| Report::of_lookup(*id, *connection, found))
                .collect();
            let mut finishes = Vec::new();
            for (id, job) in &group.jobs {
                let settled = assigned.iter().any(|(assigned, ..)| assigned == id);
                let finish = match open.iter().find(|open| open.id == *id && !settled) {
                    None => Finish::Done,
                    // An unreadable message may be this very one: that it is missing proves
                    // nothing.
                    Some(_) if !listing.unreadable.is_empty() => {
                        Finish::Again(now + KEYLESS_PAUSE, Some(broken.clone()))
                    }
                    Some(unconfirmed) => {
                        match reconcile::nothing_found(&mut tx, unconfirmed, &open, now).await? {
                            NextStep::CheckAgain(at) => Finish::Again(at, None),
                            NextStep::Decided => Finish::Done,
                        }
                    }
                };
                finishes.push((job.id, finish));
            }
            lease::finish(&mut tx, self.id, &finishes, now).await?;
            consequences::record_reports(tx, &reports, now).await?;
            Ok(())
        })
        .await
    }
}
