//! Collecting: asks Twilio for the inbound messages whose webhooks did not come, a missed STOP above all.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use crate::{
    automations::consequences,
    connections::SenderAddress,
    messages::{
        inbound::{self, Found, Received},
        reconcile::missed::{self, Asked, Listed},
    },
    queue::routines::Turn,
    twilio::{Address, Credentials, MessageFilter, TwilioError, keyword::Keyword, sid::ServiceSid},
    types::id::ConnectionId,
    worker::{Worker, perform::PerformError},
};

/// How often it is asked; also when a worker starts, because there may have been nobody to take webhooks before.
const EVERY: TimeDelta = TimeDelta::minutes(10);

/// How many lists of a connection are read at the same time.
const AT_ONCE: usize = 4;

/// More than this in the time of one look is read in part: the newest.
const MOST_LISTED: usize = 100_000;

/// A number whose inbound messages are listed, with the service that it belongs to where that is the sender.
struct Number {
    address: Address,
    service: Option<ServiceSid>,
    since: DateTime<Utc>,
}

impl Worker {
    /// Lists what the senders have received since the last look and takes in what is not here.
    ///
    /// A connection that cannot be asked now is asked again from where it was; one whose keys are refused waits for the next turn.
    pub(super) async fn collect_inbound(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        let senders = missed::senders(&mut *self.db.get().await?).await?;
        let mut postponed = None;
        for (connection, asked) in senders {
            match self.collect_of(turn, connection, &asked).await {
                Ok(()) => {}
                Err(PerformError::Twilio(error)) if error.is_transient() => postponed = Some(error),
                Err(PerformError::Twilio(error)) => {
                    tracing::warn!(connection.id = %connection, %error, "Twilio does not list incoming messages");
                }
                Err(error) => return Err(error),
            }
        }
        postponed.map_or_else(|| Ok(self.clock.now() + EVERY), |error| Err(error.into()))
    }

    async fn collect_of(&self, turn: &Turn, connection: ConnectionId, asked: &[Asked]) -> Result<(), PerformError> {
        let Some(keys) = self.keys_to_ask_with(connection).await? else { return Ok(()) };
        // What comes in while it is asked is for the next look.
        let now = self.clock.now();
        let numbers = self.numbers_of(connection, &keys, asked).await?;
        let lists: Vec<BoxFuture<'_, _>> = numbers.iter().map(|number| self.list_inbound(connection, &keys, number, now).boxed()).collect();
        let mut listed: Vec<Listed> = stream::iter(lists).buffer_unordered(AT_ONCE).try_concat().await?;
        // As they were sent; what was sent in the same second ends with the STOP.
        let is_stop = |listed: &Listed| Keyword::of(&listed.message.body, None) == Some(Keyword::Stop);
        listed.sort_by(|a, b| (a.sent_at, is_stop(a), &a.message.message_sid).cmp(&(b.sent_at, is_stop(b), &b.message.message_sid)));
        listed.dedup_by(|a, b| a.message.message_sid == b.message.message_sid);

        let sids: Vec<&str> = listed.iter().map(|listed| listed.message.message_sid.as_str()).collect();
        let known = inbound::known(&mut *self.db.get().await?, &sids).await?;
        let dates: HashMap<String, DateTime<Utc>> =
            listed.iter().map(|listed| (listed.message.message_sid.to_string(), listed.sent_at)).collect();
        for listed in listed.iter().filter(|listed| !known.contains(listed.message.message_sid.as_str())) {
            self.take_in(connection, listed, &dates).await?;
        }
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            missed::note_seen(conn, asked, now).await?;
            turn.keep(conn, &now).await?;
            Ok(())
        })
        .await
    }

    /// The numbers that a connection's senders receive with, each once.
    async fn numbers_of(&self, connection: ConnectionId, keys: &Credentials, asked: &[Asked]) -> Result<Vec<Number>, TwilioError> {
        let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
        let mut add = |address: Address, service: Option<&ServiceSid>, since: DateTime<Utc>| {
            let number = numbers.entry(address.to_wire()).or_insert(Number { address, service: None, since });
            number.since = number.since.min(since);
            number.service = number.service.take().or_else(|| service.cloned());
        };
        for asked in asked {
            match &asked.address {
                SenderAddress::PhoneNumber(number) => add(Address::Phone(number.clone()), None, asked.since),
                SenderAddress::MessagingService(service) => {
                    for address in self.windows.read(connection, self.twilio.service_addresses(keys, service)).await? {
                        add(address, Some(service), asked.since);
                    }
                }
            }
        }
        tracing::debug!(connection.id = %connection, numbers = numbers.len(), "looking for incoming messages that were missed");
        Ok(numbers.into_values().collect())
    }

    async fn list_inbound(
        &self,
        connection: ConnectionId,
        keys: &Credentials,
        number: &Number,
        now: DateTime<Utc>,
    ) -> Result<Vec<Listed>, TwilioError> {
        let filter = MessageFilter { to: Some(number.address.clone()), sent_after: Some(number.since), ..MessageFilter::default() };
        let shown = self.windows.read(connection, self.twilio.list_messages(keys, &filter, MOST_LISTED)).await?;
        if shown.len() == MOST_LISTED {
            tracing::error!(connection.id = %connection, "more than {MOST_LISTED} incoming messages to one number: the oldest were not read");
        }
        let inbound = shown.iter().filter_map(|shown| missed::inbound(shown, &keys.account_sid, number.service.as_ref(), now));
        Ok(inbound.collect())
    }

    /// Takes in one message that was found, as its webhook would have.
    async fn take_in(&self, connection: ConnectionId, listed: &Listed, dates: &HashMap<String, DateTime<Utc>>) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        let taken = conn
            .transaction(async |conn| {
                let found = Found { sent_at: listed.sent_at, dates };
                let received = inbound::receive_found(conn, connection, &listed.message, found, now).await?;
                if let Received::New { changes, silenced, .. } = &received {
                    let silenced = silenced.as_ref().map(|(phone, reason)| (phone, *reason));
                    consequences::follow(conn, changes, silenced, now).await?;
                }
                Ok::<_, PerformError>(received)
            })
            .await?;
        if let Received::New { message_id, .. } = taken {
            let minutes = (now - listed.sent_at).num_minutes();
            tracing::info!(message.id = %message_id, minutes, "took in an incoming message whose webhook had not come");
        }
        Ok(())
    }
}
