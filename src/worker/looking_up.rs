//! Looking up: asks Twilio, by SID, what became of messages whose callbacks did not come.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use super::error::{PerformError, is_away};
use crate::automations::consequences;
use crate::connections::{self, Status};
use crate::error::Error;
use crate::messages::message;
use crate::messages::reconcile::stale::{self, AGES, Progress, Stale};
use crate::messages::report::Report;
use crate::messages::throttle::release;
use crate::queue::routines::Turn;
use crate::queue::set_aside::{self, Item, SetAside, Task};
use crate::twilio::sid::MessageSid;
use crate::twilio::{Credentials, Exchange, TwilioError};
use crate::types::id::{ConnectionId, MessageId};
use crate::worker::Worker;
use crate::worker::set_aside::{AGAIN, guarded, is_of_one};

/// How often it is looked for messages that have reached one of the ages.
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// How many messages are walked over at once.
const STRETCH: i64 = 5_000;

/// After so many stretches the routine lets the others have a turn, and goes on at the next tick.
const MAX_STRETCHES: usize = 20;

/// Answers are recorded, and the cursor is moved, after so many questions.
const TOGETHER: usize = 100;

/// How many questions are under way at the same time.
const AT_ONCE: usize = 4;

/// What can be asked through a connection.
enum Line {
    /// Twilio may be asked with these keys.
    Open(Credentials),
    /// Asking is of no use: no keys that can be used.
    Closed,
    /// Twilio is busy or away for this account, in this run.
    Busy,
}

/// How a run stands with the connections of the messages that it has met.
struct Lines {
    lines: HashMap<ConnectionId, Line>,
    /// How many connections there are.
    connections: usize,
}

/// What the questions about some messages brought.
#[derive(Default)]
struct Answers {
    reports: Vec<Report>,
    /// Messages that could not be asked about now.
    unanswered: Vec<(Stale, TwilioError)>,
}

impl Lines {
    /// Whether nobody can be asked now, as far as is known.
    fn are_all_busy(&self) -> bool {
        self.lines.values().filter(|line| matches!(line, Line::Busy)).count() >= self.connections
    }
}

impl Worker {
    /// Walks over the messages that have reached one of the ages and asks Twilio about those that
    /// are below final.
    ///
    /// When Twilio is busy or does not answer, the walk stops there and goes on later; where that
    /// is so of some connections only, their messages are set aside, and the walk goes on with the
    /// others. A message that it does not know, and a connection whose keys it refuses, are passed
    /// over: the walk of the next age comes by.
    pub(super) async fn look_up_stale(&self, turn: &Turn) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?.len();
        let (mut progress, mut lines) =
            (turn.cursor::<Progress>(), Lines { lines: HashMap::new(), connections });
        self.look_up_again(&mut lines).await?;
        self.forget_what_went_on().await?;
        let mut stretches = 0;
        for age in AGES {
            loop {
                let now = self.clock.now();
                if stretches == MAX_STRETCHES {
                    return Ok(now);
                }
                stretches += 1;
                let stretch =
                    stale::walk(&mut *self.db.get().await?, &progress, age, STRETCH, now).await?;
                let Some(end) = stretch.end else { break };
                for some in stretch.stale.chunks(TOGETHER) {
                    self.look_up(turn, &mut progress, age, some, &mut lines).await?;
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

    /// Asks about some messages and records the answers together with the progress, up to the first
    /// question without an answer where nobody can be asked.
    async fn look_up(
        &self,
        turn: &Turn,
        progress: &mut Progress,
        age: TimeDelta,
        some: &[Stale],
        lines: &mut Lines,
    ) -> Result<(), PerformError> {
        let Answers { reports, mut unanswered } = self.ask_about(some, lines).await?;
        let interrupted = if lines.are_all_busy() { unanswered.first().cloned() } else { None };
        let passed = match &interrupted {
            Some((first, _)) => {
                unanswered.clear();
                some.iter().take_while(|message| message.id != first.id).last()
            }
            None => some.last(),
        };
        if let Some(passed) = passed {
            progress.pass(age, passed.id);
        }
        for (message, error) in unanswered {
            self.keep(&item(&message), &error.into()).await?;
        }
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        let together = conn.transaction(async |conn| {
            turn.keep(conn, &progress).await?;
            consequences::take_in(conn, &reports, now).await?;
            Ok::<_, PerformError>(())
        });
        let recorded = together.await;
        drop(conn);
        match recorded {
            Err(error) if is_of_one(&error) => {
                for report in &reports {
                    if let Err(error) = self.take_in_report(report).await {
                        self.keep_report(report, error).await?;
                    }
                }
                turn.keep(&mut *self.db.get().await?, &progress).await?;
            }
            recorded => recorded?,
        }
        interrupted.map_or(Ok(()), |(_, error)| Err(error.into()))
    }

    async fn take_in_report(&self, report: &Report) -> Result<(), PerformError> {
        let now = self.clock.now();
        let taken = async {
            let mut conn = self.db.get().await?;
            conn.transaction(async |conn| {
                consequences::take_in(conn, std::slice::from_ref(report), now).await
            })
            .await?;
            Ok(())
        };
        guarded(taken).await
    }

    async fn keep_report(&self, report: &Report, error: PerformError) -> Result<(), PerformError> {
        if !is_of_one(&error) {
            return Err(error);
        }
        self.keep(&Item::new(Task::LookUp, &report.message_id, Some(report.connection_id)), &error)
            .await
    }

    /// Asks Twilio about messages, in order; those of a connection that turns out to be busy are
    /// not asked about any more.
    async fn ask_about(&self, some: &[Stale], lines: &mut Lines) -> Result<Answers, PerformError> {
        for message in some {
            if let Entry::Vacant(unknown) = lines.lines.entry(message.connection_id) {
                let keys = self.keys_to_ask_with(message.connection_id).await?;
                unknown.insert(keys.map_or(Line::Closed, Line::Open));
            }
        }
        let mut found = Answers::default();
        for few in some.chunks(AT_ONCE) {
            let questions: Vec<BoxFuture<'_, _>> = few
                .iter()
                .map(|message| self.ask(message, &lines.lines[&message.connection_id]).boxed())
                .collect();
            let answers = join_all(questions).await;
            for (message, answer) in few.iter().zip(answers) {
                match answer {
                    Ok(report) => found.reports.extend(report),
                    Err(TwilioError::Keys { .. }) => {
                        lines.lines.insert(message.connection_id, Line::Closed);
                        tracing::warn!(
                            connection.id = %message.connection_id,
                            "Twilio refuses the keys: nothing can be looked up with them"
                        );
                    }
                    Err(error) if error.is_transient() => {
                        lines.lines.insert(message.connection_id, Line::Busy);
                        found.unanswered.push((message.clone(), error));
                    }
                    Err(error) => {
                        tracing::warn!(
                            message.id = %message.id,
                            %error,
                            "Twilio does not tell what became of a message"
                        );
                        self.keep(&item(message), &error.into()).await?;
                    }
                }
            }
            if lines.are_all_busy() {
                break;
            }
        }
        Ok(found)
    }

    /// Asks again about messages that are set aside and due.
    async fn look_up_again(&self, lines: &mut Lines) -> Result<(), PerformError> {
        let now = self.clock.now();
        let due = set_aside::due(&mut *self.db.get().await?, Task::LookUp, now, AGAIN).await?;
        if due.is_empty() {
            return Ok(());
        }
        let ids: Vec<MessageId> =
            due.iter().filter_map(|due| due.item.subject.parse().ok()).collect();
        let open = stale::find(&mut *self.db.get().await?, &ids).await?;
        let Answers { reports, unanswered } = self.ask_about(&open, lines).await?;
        for (message, error) in &unanswered {
            self.keep(&item(message), &PerformError::from(error.clone())).await?;
        }
        for report in &reports {
            if let Err(error) = self.take_in_report(report).await {
                self.keep_report(report, error).await?;
            }
        }
        // Those that failed again are due later; where all are busy, the rest has not been asked
        // about.
        let asked = |due: &&SetAside| {
            !lines.are_all_busy()
                || open.iter().all(|message| message.id.to_string() != due.item.subject)
        };
        let asked: Vec<String> =
            due.iter().filter(asked).map(|due| due.item.subject.clone()).collect();
        Ok(set_aside::forget_due(&mut *self.db.get().await?, Task::LookUp, &asked, now).await?)
    }

    /// Forgets what was set aside by those who do not come back to it, and has gone on since:
    /// messages that left the queue of their sender, or that can be read for an export.
    async fn forget_what_went_on(&self) -> Result<(), PerformError> {
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        for task in [Task::Release, Task::Export] {
            for due in set_aside::due(&mut conn, task, now, AGAIN).await? {
                let Ok(id) = due.item.subject.parse::<MessageId>() else { continue };
                let stuck = match task {
                    Task::Release => {
                        release::is_waiting(&mut conn, id).await?.then(|| due.error.clone())
                    }
                    _ => match message::find(&mut conn, id).await {
                        Ok(_) | Err(Error::NotFound(_)) => None,
                        Err(error) => Some(error.to_string()),
                    },
                };
                match stuck {
                    Some(error) => set_aside::keep(&mut conn, &due.item, &error, now).await?,
                    None => set_aside::forget(&mut conn, task, &[due.item.subject]).await?,
                }
            }
        }
        Ok(())
    }

    /// Fetches one message by its SID; nothing when there is no point in asking, or when Twilio has
    /// forgotten it.
    async fn ask(&self, message: &Stale, line: &Line) -> Result<Option<Report>, TwilioError> {
        let keys = match line {
            Line::Open(keys) => keys,
            Line::Closed => return Ok(None),
            Line::Busy => return Err(TwilioError::Busy { exchange: Exchange::default() }),
        };
        let Ok(sid) = MessageSid::parse(&message.twilio_sid) else { return Ok(None) };
        match self.windows.read(message.connection_id, self.twilio.fetch_message(keys, &sid)).await
        {
            Ok(shown) => Ok(Some(stale::report(message.id, message.connection_id, &shown))),
            Err(TwilioError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The keys of a connection, unless Twilio has refused them or this process cannot read them.
    pub(super) async fn keys_to_ask_with(
        &self,
        id: ConnectionId,
    ) -> Result<Option<Credentials>, PerformError> {
        let mut conn = self.db.get().await?;
        match connections::find(&mut conn, id).await {
            Ok(connection) if connection.status() != Status::Stopped => {}
            Ok(_) | Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        match connections::credentials(&mut conn, id, &self.secret_key)
            .await
            .map_err(PerformError::from)
        {
            Ok(credentials) => Ok(Some(credentials)),
            Err(error) if is_away(&error) => Err(error),
            Err(error) => {
                tracing::warn!(
                    connection.id = %id,
                    %error,
                    "the saved keys cannot be used by this process"
                );
                Ok(None)
            }
        }
    }
}

/// A message that could not be looked up.
fn item(message: &Stale) -> Item {
    Item::new(Task::LookUp, &message.id, Some(message.connection_id))
}
