//! Looking up: asks Twilio, by SID, what became of messages whose callbacks did not come.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use crate::{
    automations::consequences,
    connections::{self, Status},
    error::Error,
    messages::{
        delivery::Report,
        reconcile::stale::{self, AGES, Progress, Stale},
    },
    queue::routines::Turn,
    twilio::{Credentials, TwilioError, sid::MessageSid},
    types::id::ConnectionId,
    worker::{
        Worker,
        perform::{PerformError, is_away},
    },
};

/// How often it is looked for messages that have reached one of the ages.
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// How many messages are walked over at once.
const STRETCH: i64 = 5_000;

/// After so many stretches the routine lets the others have a turn, and goes on at the next tick.
const MOST_STRETCHES: usize = 20;

/// Answers are recorded, and the cursor is moved, after so many questions.
const TOGETHER: usize = 100;

/// How many questions are under way at the same time.
const AT_ONCE: usize = 4;

/// The keys to ask with; none where asking is of no use.
type Keys = HashMap<ConnectionId, Option<Credentials>>;

impl Worker {
    /// Walks over the messages that have reached one of the ages and asks Twilio about those that are below final.
    ///
    /// When Twilio is busy or does not answer, the walk stops there and goes on later; a message that it does not know, and a
    /// connection whose keys it refuses, are passed over: the walk of the next age comes by.
    pub(super) async fn look_up_stale(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        let (mut progress, mut keys) = (turn.cursor::<Progress>(), Keys::new());
        let mut stretches = 0;
        for age in AGES {
            loop {
                let now = self.clock.now();
                if stretches == MOST_STRETCHES {
                    return Ok(now);
                }
                stretches += 1;
                let stretch = stale::walk(&mut *self.db.get().await?, &progress, age, STRETCH, now).await?;
                let Some(end) = stretch.end else { break };
                for some in stretch.stale.chunks(TOGETHER) {
                    self.look_up(turn, &mut progress, age, some, &mut keys).await?;
                }
                progress.pass(age, end);
                turn.keep(&mut *self.db.get().await?, &progress).await?;
                if stretch.length < STRETCH {
                    break;
                }
            }
        }
        Ok(self.clock.now() + EVERY)
    }

    /// Asks about some messages and records the answers together with the progress, up to the first question without an answer.
    async fn look_up(
        &self,
        turn: &Turn,
        progress: &mut Progress,
        age: TimeDelta,
        some: &[Stale],
        keys: &mut Keys,
    ) -> Result<(), PerformError> {
        for message in some {
            if let Entry::Vacant(unknown) = keys.entry(message.connection_id) {
                unknown.insert(self.keys_to_ask_with(message.connection_id).await?);
            }
        }
        let questions: Vec<BoxFuture<'_, _>> =
            some.iter().map(|message| self.ask(message, keys[&message.connection_id].as_ref()).boxed()).collect();
        let mut answers = stream::iter(questions).buffered(AT_ONCE);
        let (mut reports, mut interrupted, mut refused) = (Vec::new(), None, Vec::new());
        for message in some {
            match answers.next().await {
                Some(Ok(report)) => reports.extend(report),
                Some(Err(TwilioError::Keys { .. })) => refused.push(message.connection_id),
                Some(Err(error)) if error.is_transient() => {
                    interrupted = Some(error);
                    break;
                }
                Some(Err(error)) => tracing::warn!(message.id = %message.id, %error, "Twilio does not tell what became of a message"),
                None => break,
            }
            progress.pass(age, message.id);
        }
        drop(answers);
        for connection in refused {
            if keys.insert(connection, None).flatten().is_some() {
                tracing::warn!(connection.id = %connection, "Twilio refuses the keys: nothing can be looked up with them");
            }
        }
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            turn.keep(conn, &progress).await?;
            consequences::take_in(conn, &reports, now).await?;
            Ok::<_, PerformError>(())
        })
        .await?;
        interrupted.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Fetches one message by its SID; nothing when there is no point in asking, or when Twilio has forgotten it.
    async fn ask(&self, message: &Stale, keys: Option<&Credentials>) -> Result<Option<Report>, TwilioError> {
        let (Some(keys), Ok(sid)) = (keys, MessageSid::parse(&message.twilio_sid)) else { return Ok(None) };
        match self.windows.read(message.connection_id, self.twilio.fetch_message(keys, &sid)).await {
            Ok(shown) => Ok(Some(stale::report(message.id, message.connection_id, &shown))),
            Err(TwilioError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The keys of a connection, unless Twilio has refused them or this process cannot read them.
    pub(super) async fn keys_to_ask_with(&self, id: ConnectionId) -> Result<Option<Credentials>, PerformError> {
        let mut conn = self.db.get().await?;
        match connections::find(&mut conn, id).await {
            Ok(connection) if connection.status() != Status::Stopped => {}
            Ok(_) | Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        match connections::credentials(&mut conn, id, &self.secret_key).await.map_err(PerformError::from) {
            Ok(credentials) => Ok(Some(credentials)),
            Err(error) if is_away(&error) => Err(error),
            Err(error) => {
                tracing::warn!(connection.id = %id, %error, "the saved keys cannot be used by this process");
                Ok(None)
            }
        }
    }
}
