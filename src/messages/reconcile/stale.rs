//! Messages that stay below their final status: which of them Twilio is to be asked about, and
//! when.
//!
//! Callbacks get lost, above all while this installation is down. No index names a status (ADR 3),
//! so a sweep walks the messages in the order of their ids, which is the order in which they were
//! made, once for each of [`AGES`], and remembers how far it has come. It asks about what it finds
//! below final at that age. A message that was still waiting then, in a sender's queue or for its
//! automation, has nothing to ask about yet; the walk of the next age comes by later. None is
//! missed for good: a message is sent within the longest [validity](Validity) or not at all, and
//! the last walk comes by a day after that.

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
use crate::messages::report::{Report, ReportSource};
use crate::messages::status::MessageStatus;
use crate::senders::Validity;
use crate::twilio::{Address, TwilioMessage};
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;

/// How old messages are, since they were made, when Twilio is asked about them.
pub const AGES: [TimeDelta; 6] = [
    TimeDelta::minutes(15),
    TimeDelta::hours(4),
    TimeDelta::hours(24),
    TimeDelta::hours(72),
    TimeDelta::hours(96),
    TimeDelta::minutes(Validity::MAX_LENGTH as i64 + 24 * 60),
];

/// A status that is younger than this may well change by itself.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(14);

/// How far the walk of each age has come, by its seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress(BTreeMap<i64, MessageId>);

/// A message to ask about.
#[derive(Debug, Clone)]
pub struct Stale {
    /// The message.
    pub id: MessageId,
    /// Whose keys to ask with.
    pub connection_id: ConnectionId,
    /// Its name at Twilio.
    pub twilio_sid: String,
}

/// A stretch of a walk.
#[derive(Debug, Default)]
pub struct Stretch {
    /// What to ask about, oldest first.
    pub stale: Vec<Stale>,
    /// The last message of the stretch; none when nothing has reached the age since the last time.
    pub end: Option<MessageId>,
    /// How many messages it has.
    pub length: i64,
}

statement! {
    /// The next messages in order of id, up to the first that is too young; those to ask about, and
    /// the last.
    struct Walk<'a> {
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

impl Progress {
    /// The last message that the walk of an age has passed.
    #[must_use]
    pub fn of(&self, age: TimeDelta) -> MessageId {
        self.0.get(&age.num_seconds()).copied().unwrap_or(MessageId(uuid::Uuid::nil()))
    }

    /// Notes that the walk of an age has passed a message.
    pub fn pass(&mut self, age: TimeDelta, id: MessageId) {
        self.0.insert(age.num_seconds(), id);
    }
}

/// The next stretch of the walk of an age, at most `limit` messages long.
pub async fn walk(
    conn: &mut Conn,
    progress: &Progress,
    age: TimeDelta,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Stretch> {
    let open = open_statuses();
    let walk = Walk {
        after: progress.of(age),
        limit,
        horizon: now - age,
        statuses: &open,
        settled: now - SETTLED_AFTER,
    };
    let rows: Vec<(MessageId, ConnectionId, Option<String>, i64)> = walk.load(conn).await?;
    let Some((last, _, _, length)) = rows.last() else { return Ok(Stretch::default()) };
    let (end, length) = (Some(*last), *length);
    let stale = rows
        .into_iter()
        .filter_map(|(id, connection_id, sid, _)| {
            sid.map(|twilio_sid| Stale { id, connection_id, twilio_sid })
        })
        .collect();
    Ok(Stretch { stale, end, length })
}

/// Those of some messages of which Twilio can still be asked, and that are below final.
pub async fn find(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Stale>> {
    let open = messages::table
        .filter(messages::id.eq_any(ids))
        .filter(messages::direction.eq("outbound"))
        .filter(messages::status.eq_any(open_statuses()))
        .order(messages::id)
        .select((messages::id, messages::connection_id, messages::twilio_sid));
    let rows: Vec<(MessageId, ConnectionId, Option<String>)> = open.load(conn).await?;
    let stale = |(id, connection_id, sid): (_, _, Option<String>)| {
        sid.map(|twilio_sid| Stale { id, connection_id, twilio_sid })
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

/// What Twilio shows of a message of ours, as a report on it.
#[must_use]
pub fn report(message_id: MessageId, connection_id: ConnectionId, shown: &TwilioMessage) -> Report {
    Report {
        message_id,
        connection_id,
        twilio_sid: shown.sid.to_string(),
        status: shown.status.clone(),
        error_code: shown.error_code,
        from_address: shown.from.as_ref().map(Address::to_wire),
        source: ReportSource::Lookup,
        params: JsonText::from(&serde_json::json!({
            "MessageSid": shown.sid.as_str(),
            "MessageStatus": shown.status.as_str(),
            "ErrorCode": shown.error_code,
        })),
    }
}
