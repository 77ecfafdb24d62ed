//! Messages without a final status: which of them to look up at Twilio, and when.
//!
//! Callbacks get lost, above all while this installation is down. No index names a status (ADR 3),
//! so a scan reads the messages in the order of their ids, which is the order of creation, once for
//! each of [`AGES`], and remembers its position. A message that still waits to be sent at one age
//! is looked up at the next. None is missed permanently: a message is sent within the longest
//! [validity](Validity) or not at all, and the last scan comes a day after that.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::senders::Validity;
use crate::types::id::{ConnectionId, MessageId};

/// The ages, since creation, at which messages are looked up.
pub const AGES: [TimeDelta; 6] = [
    TimeDelta::minutes(15),
    TimeDelta::hours(4),
    TimeDelta::hours(24),
    TimeDelta::hours(72),
    TimeDelta::hours(96),
    TimeDelta::minutes(Validity::MAX_MINUTES as i64 + 24 * 60),
];

/// How old a status must be before it is looked up; a younger one may well change by itself.
const MIN_STATUS_AGE: TimeDelta = TimeDelta::minutes(14);

/// The position of the scan of each age, by the age in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanProgress(BTreeMap<i64, MessageId>);

/// A message to look up.
#[derive(Debug, Clone)]
pub struct StaleMessage {
    /// The message.
    pub id: MessageId,
    /// The connection whose keys to use.
    pub connection_id: ConnectionId,
    /// Its SID at Twilio.
    pub twilio_sid: String,
}

/// The result of scanning a range of messages.
#[derive(Debug, Default)]
pub struct ScannedRange {
    /// The messages to look up, oldest first.
    pub stale: Vec<StaleMessage>,
    /// The last message of the range; none if no further message has reached the age.
    pub end: Option<MessageId>,
    /// How many messages the range has.
    pub length: i64,
}

statement! {
    /// Reads the next messages in order of id, up to the first that is too young; returns those to
    /// look up, and the last.
    struct Scan<'a> {
        after: MessageId => SqlUuid,
        limit: i64 => BigInt,
        horizon: DateTime<Utc> => Timestamptz,
        statuses: &'a [MessageStatus] => Array<Text>,
        settled: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, SqlUuid, Nullable<Text>, BigInt);
    "WITH next AS MATERIALIZED (
         SELECT id, connection_id, direction, status, status_at, created_at, twilio_sid
         FROM messages
         WHERE id > {after}
         ORDER BY id
         LIMIT {limit}
     ), young AS (
         SELECT id FROM next WHERE created_at > {horizon} ORDER BY id LIMIT 1
     ), old AS (
         SELECT *,
             direction = 'outbound' AND twilio_sid IS NOT NULL AND status = ANY ({statuses})
                 AND status_at <= {settled} AS stale
         FROM next
         WHERE NOT EXISTS (SELECT FROM young) OR id < (SELECT id FROM young)
     ), whole AS (
         SELECT count(*) AS length, (array_agg(id ORDER BY id DESC))[1] AS last FROM old
     )
     SELECT old.id, old.connection_id, CASE WHEN old.stale THEN old.twilio_sid END, whole.length
     FROM old, whole
     WHERE old.stale OR old.id = whole.last
     ORDER BY old.id"
}

impl ScanProgress {
    /// The last message that the scan of an age has passed.
    #[must_use]
    pub fn of(&self, age: TimeDelta) -> MessageId {
        self.0.get(&age.num_seconds()).copied().unwrap_or(MessageId(uuid::Uuid::nil()))
    }

    /// Moves the scan of an age past a message.
    pub fn advance(&mut self, age: TimeDelta, id: MessageId) {
        self.0.insert(age.num_seconds(), id);
    }
}

/// Scans the next range for an age, of at most `limit` messages.
pub async fn scan(
    conn: &mut Conn,
    progress: &ScanProgress,
    age: TimeDelta,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<ScannedRange> {
    let open = open_statuses();
    let scan = Scan {
        after: progress.of(age),
        limit,
        horizon: now - age,
        statuses: &open,
        settled: now - MIN_STATUS_AGE,
    };
    let rows: Vec<(MessageId, ConnectionId, Option<String>, i64)> = scan.load(conn).await?;
    let Some((last, _, _, length)) = rows.last() else { return Ok(ScannedRange::default()) };
    let (end, length) = (Some(*last), *length);
    let stale = rows
        .into_iter()
        .filter_map(|(id, connection_id, sid, _)| {
            sid.map(|twilio_sid| StaleMessage { id, connection_id, twilio_sid })
        })
        .collect();
    Ok(ScannedRange { stale, end, length })
}

/// The messages among `ids` that can be looked up and have no final status.
pub async fn find(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<StaleMessage>> {
    let open = messages::table
        .filter(messages::id.eq_any(ids))
        .filter(messages::direction.eq("outbound"))
        .filter(messages::status.eq_any(open_statuses()))
        .order(messages::id)
        .select((messages::id, messages::connection_id, messages::twilio_sid));
    let rows: Vec<(MessageId, ConnectionId, Option<String>)> = open.load(conn).await?;
    let stale = |(id, connection_id, sid): (_, _, Option<String>)| {
        sid.map(|twilio_sid| StaleMessage { id, connection_id, twilio_sid })
    };
    Ok(rows.into_iter().filter_map(stale).collect())
}

/// The statuses that Twilio reports and that are not final.
fn open_statuses() -> Vec<MessageStatus> {
    MessageStatus::ALL
        .iter()
        .copied()
        .filter(|status| status.is_reported_by_twilio() && !status.is_final())
        .collect()
}
