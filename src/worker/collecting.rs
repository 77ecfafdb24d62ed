//! Collecting: asks Twilio for the inbound messages whose webhooks did not come, a missed STOP
//! above all.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::error::PerformError;
use crate::automations::consequences;
use crate::connections::SenderAddress;
use crate::consent::opt_out::{self, Command};
use crate::error::Error;
use crate::messages::inbound::{self, ListedInbound, Received};
use crate::messages::reconcile::missed::{self, Asked, Listed};
use crate::queue::routines::Turn;
use crate::queue::set_aside::{self, Item, Task};
use crate::twilio::sid::{MessageSid, ServiceSid};
use crate::twilio::{
    Address, Credentials, Listing, TwilioError, TwilioMessage, TwilioMessageFilter, UnreadableItem,
};
use crate::types::id::{ConnectionId, SenderId};
use crate::worker::Worker;
use crate::worker::set_aside::{AGAIN, Aside, guarded, is_of_one};

/// How often it is asked; also when a worker starts, because there may have been nobody to take
/// webhooks before.
const EVERY: TimeDelta = TimeDelta::minutes(10);

/// How many lists of a connection are read at the same time.
const AT_ONCE: usize = 4;

/// More than this in the time of one look is read in part: the newest.
const MAX_LISTED: usize = 100_000;

/// A number whose inbound messages are listed, with the service that it belongs to where that is
/// the sender.
struct Number {
    address: Address,
    service: Option<ServiceSid>,
    since: DateTime<Utc>,
    /// The senders that receive with it.
    senders: Vec<SenderId>,
}

/// What a connection has received.
#[derive(Default)]
struct Collected {
    listed: Vec<Listed>,
    /// Messages that could not be read, and why.
    broken: Vec<(String, PerformError)>,
    /// Senders of which not all was listed: they are asked again from where they were.
    unseen: HashMap<SenderId, TwilioError>,
}

impl Worker {
    /// Lists what the senders have received since the last look and takes in what is not here.
    ///
    /// A connection that cannot be asked now is asked again from where it was; one whose keys are
    /// refused waits for the next turn. A message that cannot be taken in, and a sender that cannot
    /// be asked, are set aside; everything else goes on.
    pub(super) async fn collect_inbound(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        self.take_in_again().await?;
        let senders = missed::senders(&mut *self.db.get().await?).await?;
        let aside = (self.aside(Task::TakeIn).await?, self.aside(Task::ListInbound).await?);
        let mut postponed = None;
        for (connection, asked) in senders {
            let collected =
                guarded(self.collect_of(turn, connection, &asked, (&aside.0, &aside.1))).await;
            match collected {
                Ok(busy) => postponed = postponed.or(busy),
                Err(error) if !is_of_one(&error) => return Err(error),
                Err(error) => {
                    for asked in &asked {
                        self.keep(
                            &Item::new(Task::ListInbound, &asked.sender_id, Some(connection)),
                            &error,
                        )
                        .await?;
                    }
                }
            }
        }
        self.forget_unmet(&aside.1).await?;
        match postponed {
            None => {
                self.or_next_try(self.clock.now() + EVERY, &[Task::TakeIn, Task::ListInbound]).await
            }
            Some(error) => Err(error.into()),
        }
    }

    /// Collects what one connection has received. Returns why it is to be asked again soon, if it
    /// is.
    async fn collect_of(
        &self,
        turn: &Turn,
        connection: ConnectionId,
        asked: &[Asked],
        (texts, lists): (&Aside, &Aside),
    ) -> Result<Option<TwilioError>, PerformError> {
        let Some(keys) = self.keys_to_ask_with(connection).await? else { return Ok(None) };
        // What comes in while it is asked is for the next look.
        let now = self.clock.now();
        let mut collected = self.list_all(connection, &keys, asked, now).await;
        // As they were sent; what was sent in the same second ends with the STOP.
        let own = opt_out::own::load(&mut *self.db.get().await?).await?;
        let is_stop =
            |listed: &Listed| inbound::command(&listed.message, &own).is_some_and(Command::is_stop);
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
        // What is set aside has times of its own, see `take_in_again`.
        let is_new = |sid: &str| !known.contains(sid) && !texts.has(sid);
        for listed in
            collected.listed.iter().filter(|listed| is_new(listed.message.message_sid.as_str()))
        {
            let item = Item::new(Task::TakeIn, &listed.message.message_sid, Some(connection));
            let taken = guarded(self.take_in(connection, listed, &dates)).await;
            self.note(texts, &item, taken).await?;
        }
        for (sid, error) in collected.broken.iter().filter(|(sid, _)| !texts.has(sid)) {
            self.keep(&Item::new(Task::TakeIn, sid, Some(connection)), error).await?;
        }
        let seen: Vec<Asked> = asked
            .iter()
            .filter(|asked| !collected.unseen.contains_key(&asked.sender_id))
            .cloned()
            .collect();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            missed::note_seen(conn, &seen, now).await?;
            turn.keep(conn, &now).await?;
            Ok::<_, PerformError>(())
        })
        .await?;
        drop(conn);
        self.conclude_lists(connection, &seen, collected.unseen, lists).await
    }

    /// Sets aside the senders that could not be asked. Returns why they are to be asked again soon,
    /// where that is so of one.
    async fn conclude_lists(
        &self,
        connection: ConnectionId,
        seen: &[Asked],
        unseen: HashMap<SenderId, TwilioError>,
        lists: &Aside,
    ) -> Result<Option<TwilioError>, PerformError> {
        let mut busy = None;
        for asked in seen.iter().filter(|asked| lists.has(&asked.sender_id.to_string())) {
            self.forget(Task::ListInbound, &asked.sender_id.to_string()).await?;
        }
        for (sender, error) in unseen {
            match error {
                error if error.is_transient() => busy = Some(error),
                // What is refused to all is said of the connection itself.
                TwilioError::Keys { .. } => {
                    tracing::warn!(
                        connection.id = %connection,
                        %error,
                        "Twilio does not list incoming messages"
                    );
                }
                error => {
                    self.keep(
                        &Item::new(Task::ListInbound, &sender, Some(connection)),
                        &error.into(),
                    )
                    .await?;
                }
            }
        }
        Ok(busy)
    }

    /// Lists what the numbers of a connection have received, as far as Twilio tells.
    async fn list_all(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        asked: &[Asked],
        now: DateTime<Utc>,
    ) -> Collected {
        let mut collected = Collected::default();
        let numbers = self.numbers_of(connection, keys, asked, &mut collected.unseen).await;
        let lists: Vec<BoxFuture<'_, _>> = numbers
            .iter()
            .map(|number| {
                async move { (number, self.list_inbound(connection, keys, number).await) }.boxed()
            })
            .collect();
        let mut lists = stream::iter(lists).buffer_unordered(AT_ONCE);
        while let Some((number, list)) = lists.next().await {
            let shown = match list {
                Ok(shown) => shown,
                Err(error) => {
                    collected
                        .unseen
                        .extend(number.senders.iter().map(|sender| (*sender, error.clone())));
                    continue;
                }
            };
            for UnreadableItem { sid, error } in shown.broken {
                match sid {
                    Some(sid) => collected.broken.push((sid, error.into())),
                    None => collected
                        .unseen
                        .extend(number.senders.iter().map(|sender| (*sender, error.clone()))),
                }
            }
            for shown in &shown.items {
                match missed::inbound(shown, &keys.account_sid, number.service.as_ref(), now) {
                    Ok(listed) => collected.listed.extend(listed),
                    Err(error) => collected.broken.push((shown.sid.to_string(), error.into())),
                }
            }
        }
        collected
    }

    /// The numbers that a connection's senders receive with, each once; `unseen` gets the senders
    /// whose numbers Twilio does not tell.
    async fn numbers_of(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        asked: &[Asked],
        unseen: &mut HashMap<SenderId, TwilioError>,
    ) -> Vec<Number> {
        let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
        let mut add = |address: Address, service: Option<&ServiceSid>, asked: &Asked| {
            let new = Number { address, service: None, since: asked.since, senders: Vec::new() };
            let number = numbers.entry(new.address.to_wire()).or_insert(new);
            number.since = number.since.min(asked.since);
            number.service = number.service.take().or_else(|| service.cloned());
            number.senders.push(asked.sender_id);
        };
        for asked in asked {
            match &asked.address {
                SenderAddress::PhoneNumber(number) => {
                    add(Address::Phone(number.clone()), None, asked);
                }
                SenderAddress::MessagingService(service) => {
                    match self
                        .windows
                        .read(connection, self.twilio.service_addresses(keys, service))
                        .await
                    {
                        Ok(addresses) => addresses
                            .into_iter()
                            .for_each(|address| add(address, Some(service), asked)),
                        Err(error) => {
                            unseen.insert(asked.sender_id, error);
                        }
                    }
                }
            }
        }
        tracing::debug!(
            connection.id = %connection,
            numbers = numbers.len(),
            "looking for incoming messages that were missed"
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
            .windows
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

    /// Tries again to take in what is set aside and due: each is fetched by its SID.
    async fn take_in_again(&self) -> Result<(), PerformError> {
        let now = self.clock.now();
        let due = set_aside::due(&mut *self.db.get().await?, Task::TakeIn, now, AGAIN).await?;
        for due in due {
            match guarded(self.fetch_and_take_in(&due.item, now)).await {
                Ok(()) => self.forget(Task::TakeIn, &due.item.subject).await?,
                Err(error) if is_of_one(&error) => self.keep(&due.item, &error).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn fetch_and_take_in(&self, item: &Item, now: DateTime<Utc>) -> Result<(), PerformError> {
        let (Some(connection), Ok(sid)) = (item.connection, MessageSid::parse(&item.subject))
        else {
            return Ok(());
        };
        let keys = self.keys_to_ask_with(connection).await?;
        let keys = keys.ok_or_else(|| {
            Error::Internal("The keys of the connection cannot be used.".to_owned())
        })?;
        let shown =
            match self.windows.read(connection, self.twilio.fetch_message(&keys, &sid)).await {
                Ok(shown) => shown,
                Err(TwilioError::NotFound { .. }) => {
                    tracing::warn!(
                        %sid,
                        "an incoming message that could not be taken in is not at Twilio any more"
                    );
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
        let Some(listed) = missed::inbound(&shown, &keys.account_sid, None, now)? else {
            return Ok(());
        };
        let dates = HashMap::from([(sid.to_string(), listed.sent_at)]);
        self.take_in(connection, &listed, &dates).await
    }

    /// Takes in one message that was found, as its webhook would have.
    async fn take_in(
        &self,
        connection: ConnectionId,
        listed: &Listed,
        dates: &HashMap<String, DateTime<Utc>>,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        let taken = conn
            .transaction(async |conn| {
                let found = ListedInbound { sent_at: listed.sent_at, dates };
                let received =
                    inbound::receive_found(conn, connection, &listed.message, found, now).await?;
                if let Received::New { changes, silenced, .. } = &received {
                    let silenced = silenced.as_ref().map(|(phone, reason)| (phone, *reason));
                    consequences::follow(conn, changes, silenced, now).await?;
                }
                Ok::<_, PerformError>(received)
            })
            .await?;
        if let Received::New { message_id, .. } = taken {
            let minutes = (now - listed.sent_at).num_minutes();
            tracing::info!(
                message.id = %message_id,
                minutes,
                "took in an incoming message whose webhook had not come"
            );
        }
        Ok(())
    }
}
