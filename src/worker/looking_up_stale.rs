//! Looking up stale messages: fetches from Twilio, by SID, those whose callbacks did not arrive.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use super::Worker;
use super::error::{PerformError, catch_panic, concerns_one_item};
use super::set_aside_items::MAX_RETRIES;
use crate::automations::consequences;
use crate::messages::reconcile::stale_messages::{self, AGES, ScanProgress, StaleMessage};
use crate::messages::status_reports::Report;
use crate::queue::routines::RoutineRun;
use crate::queue::set_aside::{self, SetAside, Task, TaskItem};
use crate::twilio::sid::MessageSid;
use crate::twilio::{Credentials, Exchange, TwilioError};
use crate::types::id::{ConnectionId, MessageId};
use crate::{connections, db};

/// How often messages are looked up that have reached one of the ages.
const INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// How many messages one scan reads.
const SCAN_LIMIT: i64 = 5_000;

/// How many scans one run makes before it yields to the other routines and continues at the next
/// tick.
const MAX_SCANS: usize = 20;

/// How many lookups are recorded together, with the cursor.
const RECORD_BATCH: usize = 100;

/// How many lookups are in flight at the same time.
const MAX_CONCURRENT_LOOKUPS: usize = 4;

/// Whether messages of a connection can be looked up in this run.
enum Access {
    /// They can, with these keys.
    Keys(Credentials),
    /// They cannot: there are no usable keys.
    NoKeys,
    /// Not now: Twilio is busy or unavailable for this account.
    Busy,
}

/// The access of a run to the connections that it has met.
struct ConnectionAccess {
    by_connection: HashMap<ConnectionId, Access>,
    /// The number of all connections.
    connections: usize,
}

/// The results of looking up some messages.
#[derive(Default)]
struct LookupResults {
    reports: Vec<Report>,
    /// The messages that could not be looked up now.
    unanswered: Vec<(StaleMessage, TwilioError)>,
}

impl ConnectionAccess {
    /// Whether no connection can be used now, as far as is known.
    fn are_all_busy(&self) -> bool {
        self.by_connection.values().filter(|access| matches!(access, Access::Busy)).count()
            >= self.connections
    }
}

impl Worker {
    /// Scans the messages that have reached one of the ages, and looks up those without a final
    /// status.
    ///
    /// When Twilio is busy or does not answer, the scan stops there and continues later. If only
    /// some connections are concerned, their messages are set aside, and the scan continues with
    /// the others. It skips messages that Twilio does not know, and connections whose keys it
    /// refuses, until the scan of the next age.
    pub(super) async fn look_up_stale(
        &self,
        run: &RoutineRun,
    ) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?.len();
        let (mut progress, mut access) = (
            run.cursor::<ScanProgress>(),
            ConnectionAccess { by_connection: HashMap::new(), connections },
        );
        self.retry_set_aside_lookups(&mut access).await?;
        self.clear_resolved_items().await?;
        let mut scans = 0;
        for age in AGES {
            loop {
                let now = self.clock.now();
                if scans == MAX_SCANS {
                    return Ok(now);
                }
                scans += 1;
                let range = stale_messages::scan(
                    &mut *self.db.get().await?,
                    &progress,
                    age,
                    SCAN_LIMIT,
                    now,
                )
                .await?;
                let Some(end) = range.end else { break };
                for batch in range.stale.chunks(RECORD_BATCH) {
                    self.look_up(run, &mut progress, age, batch, &mut access).await?;
                }
                progress.advance(age, end);
                run.save_cursor(&mut *self.db.get().await?, &progress).await?;
                if range.length < SCAN_LIMIT {
                    break;
                }
            }
        }
        Ok(self.clock.now() + INTERVAL)
    }

    /// Looks up some messages and records the reports together with the progress, up to the first
    /// message without a response if no connection can be used.
    async fn look_up(
        &self,
        run: &RoutineRun,
        progress: &mut ScanProgress,
        age: TimeDelta,
        batch: &[StaleMessage],
        access: &mut ConnectionAccess,
    ) -> Result<(), PerformError> {
        let LookupResults { reports, mut unanswered } = self.fetch_reports(batch, access).await?;
        let interrupted = if access.are_all_busy() { unanswered.first().cloned() } else { None };
        let passed = match &interrupted {
            Some((first, _)) => {
                unanswered.clear();
                batch.iter().take_while(|message| message.id != first.id).last()
            }
            None => batch.last(),
        };
        if let Some(passed) = passed {
            progress.advance(age, passed.id);
        }
        for (message, error) in unanswered {
            self.set_aside(&item(&message), &error.into()).await?;
        }
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        let together = db::transaction(&mut conn, async |tx| {
            let mut tx = tx.open();
            run.save_cursor(&mut tx, &progress).await?;
            consequences::record_reports(tx, &reports, now).await?;
            Ok::<_, PerformError>(())
        });
        let recorded = together.await;
        drop(conn);
        match recorded {
            Err(error) if concerns_one_item(&error) => {
                for report in &reports {
                    if let Err(error) = self.record_report(report).await {
                        self.set_aside_report(report, error).await?;
                    }
                }
                run.save_cursor(&mut *self.db.get().await?, &progress).await?;
            }
            recorded => recorded?,
        }
        interrupted.map_or(Ok(()), |(_, error)| Err(error.into()))
    }

    async fn record_report(&self, report: &Report) -> Result<(), PerformError> {
        let now = self.clock.now();
        let recorded = async {
            let mut conn = self.db.get().await?;
            db::transaction(&mut conn, async |tx| {
                let reports = std::slice::from_ref(report);
                consequences::record_reports(tx.open(), reports, now).await?;
                Ok::<_, PerformError>(())
            })
            .await
        };
        catch_panic(recorded).await
    }

    async fn set_aside_report(
        &self,
        report: &Report,
        error: PerformError,
    ) -> Result<(), PerformError> {
        if !concerns_one_item(&error) {
            return Err(error);
        }
        self.set_aside(
            &TaskItem::new(Task::LookUp, &report.message_id, Some(report.connection_id)),
            &error,
        )
        .await
    }

    /// Looks up messages in order, and stops doing so for a connection that turns out to be busy.
    async fn fetch_reports(
        &self,
        batch: &[StaleMessage],
        access: &mut ConnectionAccess,
    ) -> Result<LookupResults, PerformError> {
        for message in batch {
            if let Entry::Vacant(unknown) = access.by_connection.entry(message.connection_id) {
                let keys = self.usable_keys(message.connection_id).await?;
                unknown.insert(keys.map_or(Access::NoKeys, Access::Keys));
            }
        }
        let mut found = LookupResults::default();
        for chunk in batch.chunks(MAX_CONCURRENT_LOOKUPS) {
            let lookups: Vec<BoxFuture<'_, _>> = chunk
                .iter()
                .map(|message| {
                    self.fetch_report(message, &access.by_connection[&message.connection_id])
                        .boxed()
                })
                .collect();
            let answers = join_all(lookups).await;
            for (message, answer) in chunk.iter().zip(answers) {
                match answer {
                    Ok(report) => found.reports.extend(report),
                    Err(TwilioError::Keys { .. }) => {
                        access.by_connection.insert(message.connection_id, Access::NoKeys);
                        tracing::warn!(
                            connection.id = %message.connection_id,
                            "Twilio refuses the keys, so the messages cannot be looked up"
                        );
                    }
                    Err(error) if error.is_transient() => {
                        access.by_connection.insert(message.connection_id, Access::Busy);
                        found.unanswered.push((message.clone(), error));
                    }
                    Err(error) => {
                        tracing::warn!(
                            message.id = %message.id,
                            %error,
                            "Twilio did not return a message"
                        );
                        self.set_aside(&item(message), &error.into()).await?;
                    }
                }
            }
            if access.are_all_busy() {
                break;
            }
        }
        Ok(found)
    }

    /// Retries the lookups that are set aside and due.
    async fn retry_set_aside_lookups(
        &self,
        access: &mut ConnectionAccess,
    ) -> Result<(), PerformError> {
        let now = self.clock.now();
        let due =
            set_aside::due(&mut *self.db.get().await?, Task::LookUp, now, MAX_RETRIES).await?;
        if due.is_empty() {
            return Ok(());
        }
        let ids: Vec<MessageId> =
            due.iter().filter_map(|due| due.item.subject.parse().ok()).collect();
        let open = stale_messages::find(&mut *self.db.get().await?, &ids).await?;
        let LookupResults { reports, unanswered } = self.fetch_reports(&open, access).await?;
        for (message, error) in &unanswered {
            self.set_aside(&item(message), &PerformError::from(error.clone())).await?;
        }
        for report in &reports {
            if let Err(error) = self.record_report(report).await {
                self.set_aside_report(report, error).await?;
            }
        }
        // Failed retries are due later; if all connections are busy, the rest has not been looked
        // up.
        let was_looked_up = |due: &&SetAside| {
            !access.are_all_busy()
                || open.iter().all(|message| message.id.to_string() != due.item.subject)
        };
        let looked_up: Vec<String> =
            due.iter().filter(was_looked_up).map(|due| due.item.subject.clone()).collect();
        Ok(set_aside::forget_due(&mut *self.db.get().await?, Task::LookUp, &looked_up, now).await?)
    }

    /// Fetches one message by its SID; none if there are no usable keys, or if Twilio no longer has
    /// it.
    async fn fetch_report(
        &self,
        message: &StaleMessage,
        access: &Access,
    ) -> Result<Option<Report>, TwilioError> {
        let keys = match access {
            Access::Keys(keys) => keys,
            Access::NoKeys => return Ok(None),
            Access::Busy => return Err(TwilioError::Busy { exchange: Exchange::default() }),
        };
        let Ok(sid) = MessageSid::parse(&message.twilio_sid) else { return Ok(None) };
        match self
            .concurrency_limits
            .read(message.connection_id, self.twilio.fetch_message(keys, &sid))
            .await
        {
            Ok(shown) => Ok(Some(Report::of_lookup(message.id, message.connection_id, &shown))),
            Err(TwilioError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The item under which a failed lookup is set aside.
fn item(message: &StaleMessage) -> TaskItem {
    TaskItem::new(Task::LookUp, &message.id, Some(message.connection_id))
}
