//! Collecting inbound messages: lists at Twilio those whose webhooks did not arrive, above all a
//! missed STOP.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::Worker;
use super::error::{PerformError, catch_panic, concerns_one_item};
use super::set_aside_items::{MAX_RETRIES, SetAsideItems};
use crate::automations::consequences;
use crate::connections::SenderAddress;
use crate::consent::opt_out::{self, Command};
use crate::db;
use crate::error::Error;
use crate::messages::inbound::{self, LookupTimes, Received};
use crate::messages::reconcile::missed_inbound::{self, InboundScan, ListedMessage};
use crate::queue::routines::RoutineRun;
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::twilio::sid::{MessageSid, ServiceSid};
use crate::twilio::{
    Address, Credentials, Listing, TwilioError, TwilioMessage, TwilioMessageFilter, UnreadableItem,
};
use crate::types::id::{ConnectionId, SenderId};

/// How often inbound messages are listed. They are also listed when a worker starts, because
/// webhooks may have been missed before.
const INTERVAL: TimeDelta = TimeDelta::minutes(10);

/// How many lists of a connection are read concurrently.
const MAX_CONCURRENT_LISTS: usize = 4;

/// How many messages one list reads at most, the newest first.
const MAX_LISTED: usize = 100_000;

/// A number whose inbound messages are listed, with its service if that is the sender.
struct Number {
    address: Address,
    service: Option<ServiceSid>,
    since: DateTime<Utc>,
    /// The senders that receive messages through it.
    senders: Vec<SenderId>,
}

/// The inbound messages of a connection.
#[derive(Default)]
struct Collected {
    listed: Vec<ListedMessage>,
    /// The messages that could not be read, and why.
    unreadable: Vec<(String, PerformError)>,
    /// The senders whose messages could not all be listed: they are listed again from the same
    /// time.
    unlisted: HashMap<SenderId, TwilioError>,
}

impl Worker {
    /// Lists what the senders have received since the last run, and stores what is missing.
    ///
    /// A connection that is busy now is listed again from the same time; one whose keys are refused
    /// waits for the next run. A message that cannot be stored, and a sender that cannot be listed,
    /// are set aside; everything else continues.
    pub(super) async fn collect_inbound(
        &self,
        run: &RoutineRun,
    ) -> Result<DateTime<Utc>, PerformError> {
        self.retry_set_aside_messages().await?;
        let scans = missed_inbound::scans(&mut *self.db.get().await?).await?;
        let aside = (
            self.load_set_aside(Task::TakeIn).await?,
            self.load_set_aside(Task::ListInbound).await?,
        );
        let mut postponed = None;
        for (connection, scans) in scans {
            let collected =
                catch_panic(self.collect_of(run, connection, &scans, (&aside.0, &aside.1))).await;
            match collected {
                Ok(busy) => postponed = postponed.or(busy),
                Err(error) if !concerns_one_item(&error) => return Err(error),
                Err(error) => {
                    for scan in &scans {
                        let sender = &scan.sender_id;
                        let item = TaskItem::new(Task::ListInbound, sender, Some(connection));
                        self.set_aside(&item, &error).await?;
                    }
                }
            }
        }
        self.clear_unmet(&aside.1).await?;
        match postponed {
            None => {
                self.or_next_retry(self.clock.now() + INTERVAL, &[Task::TakeIn, Task::ListInbound])
                    .await
            }
            Some(error) => Err(error.into()),
        }
    }

    /// Collects what one connection has received. Returns why it should be listed again soon, if it
    /// should.
    async fn collect_of(
        &self,
        run: &RoutineRun,
        connection: ConnectionId,
        scans: &[InboundScan],
        (messages, lists): (&SetAsideItems, &SetAsideItems),
    ) -> Result<Option<TwilioError>, PerformError> {
        let Some(keys) = self.usable_keys(connection).await? else { return Ok(None) };
        // Messages that arrive during the listing are for the next run.
        let now = self.clock.now();
        let mut collected = self.list_all(connection, &keys, scans, now).await;
        // In the order of sending; among messages of the same second, a STOP comes last.
        let own = opt_out::own_words::load(&*self.db.get().await?).await?;
        let is_stop = |listed: &ListedMessage| {
            inbound::command(&listed.message, &own).is_some_and(Command::is_stop)
        };
        let listed = &mut collected.listed;
        listed.sort_by_cached_key(|listed| {
            (listed.sent_at, is_stop(listed), listed.message.message_sid.clone())
        });
        listed.dedup_by(|a, b| a.message.message_sid == b.message.message_sid);

        let sids: Vec<&str> =
            listed.iter().map(|listed| listed.message.message_sid.as_str()).collect();
        let known = inbound::known(&mut *self.db.get().await?, &sids).await?;
        let dates: HashMap<String, DateTime<Utc>> = listed
            .iter()
            .map(|listed| (listed.message.message_sid.to_string(), listed.sent_at))
            .collect();
        // Messages that are set aside have their own times of retry, see
        // `retry_set_aside_messages`.
        let is_new = |sid: &str| !known.contains(sid) && !messages.contains(sid);
        for listed in
            collected.listed.iter().filter(|listed| is_new(listed.message.message_sid.as_str()))
        {
            let item = TaskItem::new(Task::TakeIn, &listed.message.message_sid, Some(connection));
            let stored = catch_panic(self.store(connection, listed, &dates)).await;
            self.record_result(messages, &item, stored).await?;
        }
        for (sid, error) in collected.unreadable.iter().filter(|(sid, _)| !messages.contains(sid)) {
            self.set_aside(&TaskItem::new(Task::TakeIn, sid, Some(connection)), error).await?;
        }
        let seen: Vec<InboundScan> = scans
            .iter()
            .filter(|scan| !collected.unlisted.contains_key(&scan.sender_id))
            .cloned()
            .collect();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            missed_inbound::save_progress(conn, &seen, now).await?;
            run.save_cursor(conn, &now).await?;
            Ok::<_, PerformError>(())
        })
        .await?;
        drop(conn);
        self.conclude_lists(connection, &seen, collected.unlisted, lists).await
    }

    /// Sets aside the senders that could not be listed. Returns why one of them should be listed
    /// again soon, if one should.
    async fn conclude_lists(
        &self,
        connection: ConnectionId,
        seen: &[InboundScan],
        unlisted: HashMap<SenderId, TwilioError>,
        lists: &SetAsideItems,
    ) -> Result<Option<TwilioError>, PerformError> {
        let mut busy = None;
        for scan in seen.iter().filter(|scan| lists.contains(&scan.sender_id.to_string())) {
            self.clear_set_aside(Task::ListInbound, &scan.sender_id.to_string()).await?;
        }
        for (sender, error) in unlisted {
            match error {
                error if error.is_transient() => busy = Some(error),
                // Refused keys concern the whole connection, which reports them itself.
                TwilioError::Keys { .. } => {
                    tracing::warn!(
                        connection.id = %connection,
                        %error,
                        "Twilio does not list incoming messages"
                    );
                }
                error => {
                    self.set_aside(
                        &TaskItem::new(Task::ListInbound, &sender, Some(connection)),
                        &error.into(),
                    )
                    .await?;
                }
            }
        }
        Ok(busy)
    }

    /// Lists what the numbers of a connection have received, as far as Twilio returns it.
    async fn list_all(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        scans: &[InboundScan],
        now: DateTime<Utc>,
    ) -> Collected {
        let mut collected = Collected::default();
        let numbers = self.numbers_of(connection, keys, scans, &mut collected.unlisted).await;
        let lists: Vec<BoxFuture<'_, _>> = numbers
            .iter()
            .map(|number| {
                async move { (number, self.list_inbound(connection, keys, number).await) }.boxed()
            })
            .collect();
        let mut lists = stream::iter(lists).buffer_unordered(MAX_CONCURRENT_LISTS);
        while let Some((number, list)) = lists.next().await {
            let shown = match list {
                Ok(shown) => shown,
                Err(error) => {
                    collected
                        .unlisted
                        .extend(number.senders.iter().map(|sender| (*sender, error.clone())));
                    continue;
                }
            };
            for UnreadableItem { sid, error } in shown.unreadable {
                match sid {
                    Some(sid) => collected.unreadable.push((sid, error.into())),
                    None => collected
                        .unlisted
                        .extend(number.senders.iter().map(|sender| (*sender, error.clone()))),
                }
            }
            for shown in &shown.items {
                match missed_inbound::from_listed(
                    shown,
                    &keys.account_sid,
                    number.service.as_ref(),
                    now,
                ) {
                    Ok(listed) => collected.listed.extend(listed),
                    Err(error) => collected.unreadable.push((shown.sid.to_string(), error.into())),
                }
            }
        }
        collected
    }

    /// The numbers through which a connection's senders receive messages, each once; adds to
    /// `unlisted` the senders whose numbers Twilio does not return.
    async fn numbers_of(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        scans: &[InboundScan],
        unlisted: &mut HashMap<SenderId, TwilioError>,
    ) -> Vec<Number> {
        let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
        let mut add = |address: Address, service: Option<&ServiceSid>, scan: &InboundScan| {
            let new = Number { address, service: None, since: scan.since, senders: Vec::new() };
            let number = numbers.entry(new.address.to_wire()).or_insert(new);
            number.since = number.since.min(scan.since);
            number.service = number.service.take().or_else(|| service.cloned());
            number.senders.push(scan.sender_id);
        };
        for scan in scans {
            match &scan.address {
                SenderAddress::PhoneNumber(number) => {
                    add(Address::Phone(number.clone()), None, scan);
                }
                SenderAddress::MessagingService(service) => {
                    match self
                        .concurrency_limits
                        .read(connection, self.twilio.service_addresses(keys, service))
                        .await
                    {
                        Ok(addresses) => addresses
                            .into_iter()
                            .for_each(|address| add(address, Some(service), scan)),
                        Err(error) => {
                            unlisted.insert(scan.sender_id, error);
                        }
                    }
                }
            }
        }
        tracing::debug!(
            connection.id = %connection,
            numbers = numbers.len(),
            "listing incoming messages whose webhooks may have been missed"
        );
        numbers.into_values().collect()
    }

    async fn list_inbound(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        number: &Number,
    ) -> Result<Listing<TwilioMessage>, TwilioError> {
        let filter = TwilioMessageFilter {
            to: Some(number.address.clone()),
            sent_after: Some(number.since),
            ..TwilioMessageFilter::default()
        };
        let shown = self
            .concurrency_limits
            .read(connection, self.twilio.list_messages(keys, &filter, MAX_LISTED))
            .await?;
        if shown.items.len() == MAX_LISTED {
            tracing::error!(
                connection.id = %connection,
                "more than {MAX_LISTED} incoming messages to one number: the oldest were not read"
            );
        }
        Ok(shown)
    }

    /// Retries the messages that are set aside and due: fetches each by its SID.
    async fn retry_set_aside_messages(&self) -> Result<(), PerformError> {
        let now = self.clock.now();
        let due =
            set_aside::due(&mut *self.db.get().await?, Task::TakeIn, now, MAX_RETRIES).await?;
        for due in due {
            match catch_panic(self.fetch_and_store(&due.item, now)).await {
                Ok(()) => self.clear_set_aside(Task::TakeIn, &due.item.subject).await?,
                Err(error) if concerns_one_item(&error) => {
                    self.set_aside(&due.item, &error).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn fetch_and_store(
        &self,
        item: &TaskItem,
        now: DateTime<Utc>,
    ) -> Result<(), PerformError> {
        let (Some(connection), Ok(sid)) = (item.connection, MessageSid::parse(&item.subject))
        else {
            return Ok(());
        };
        let keys = self.usable_keys(connection).await?;
        let keys = keys.ok_or_else(|| {
            Error::Internal("The keys of the connection can’t be used.".to_owned())
        })?;
        let shown = match self
            .concurrency_limits
            .read(connection, self.twilio.fetch_message(&keys, &sid))
            .await
        {
            Ok(shown) => shown,
            Err(TwilioError::NotFound { .. }) => {
                tracing::warn!(
                    %sid,
                    "an incoming message that was set aside no longer exists at Twilio"
                );
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let Some(listed) = missed_inbound::from_listed(&shown, &keys.account_sid, None, now)?
        else {
            return Ok(());
        };
        let dates = HashMap::from([(sid.to_string(), listed.sent_at)]);
        self.store(connection, &listed, &dates).await
    }

    /// Stores one message that was found, with the same consequences as its webhook.
    async fn store(
        &self,
        connection: ConnectionId,
        listed: &ListedMessage,
        dates: &HashMap<String, DateTime<Utc>>,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        let stored = db::transaction(&mut conn, async |tx| {
            let times = LookupTimes { sent_at: listed.sent_at, dates };
            let (received, tx) =
                inbound::receive_found(tx, connection, &listed.message, times, now).await?;
            if let Received::New { changes, suppressed, .. } = &received {
                consequences::react_to_changes(tx, changes, suppressed.as_slice(), now).await?;
            }
            Ok::<_, PerformError>(received)
        })
        .await?;
        if let Received::New { message_id, .. } = stored {
            let minutes = (now - listed.sent_at).num_minutes();
            tracing::info!(
                message.id = %message_id,
                minutes,
                "stored an incoming message whose webhook had not arrived"
            );
        }
        Ok(())
    }
}
