//! Received messages: how many on each day, and the newest, by their own index.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Date, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::ledger::{Calendar, Days};
use crate::messages::log::filter::MARGIN;
use crate::messages::message::{self, Message};
use crate::types::id::MessageId;

/// The highest number of messages that is counted exactly; if there are more, the counts of all
/// days together are one more than this.
pub const MAX_COUNTED: i64 = 20_000;

statement! {
    /// Counts received messages by day, newest first and up to the limit.
    struct ReceivedByDay<'a> {
        first: MessageId => SqlUuid,
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        days: &'a [NaiveDate] => Array<Date>,
        begins: &'a [DateTime<Utc>] => Array<Timestamptz>,
        limit: i64 => BigInt,
    }
    returns (Nullable<Date>, BigInt);
    "SELECT ({days})[width_bucket(created_at, {begins})], count(*)
     FROM (
         SELECT created_at
         FROM messages
         WHERE direction = 'inbound'
           AND id >= {first} AND created_at >= {begin} AND created_at < {end}
         ORDER BY id DESC
         LIMIT {limit}
     ) AS received
     GROUP BY 1"
}

statement! {
    /// Lists the newest received messages.
    struct NewestReceived { limit: i64 => BigInt }
    returns SqlUuid;
    "SELECT id FROM messages WHERE direction = 'inbound' ORDER BY id DESC LIMIT {limit}"
}

/// The number of messages received on each of these days, without the days that have none. Beyond
/// [`MAX_COUNTED`], the oldest are left out.
pub async fn received_by_day(conn: &mut Conn, days: Days) -> Result<Vec<(NaiveDate, i64)>> {
    let Calendar { days: dates, begins } = days.into();
    // The time in an id may be later than the message by as long as its transaction waited.
    let first = MessageId::first_at(days.begin() - MARGIN);
    let (begin, end) = (days.begin(), days.end());
    let statement =
        ReceivedByDay { first, begin, end, days: &dates, begins: &begins, limit: MAX_COUNTED + 1 };
    let rows: Vec<(Option<NaiveDate>, i64)> = statement.load(conn).await?;
    Ok(rows.into_iter().filter_map(|(day, count)| Some((day?, count))).collect())
}

/// The newest received messages, the newest first.
pub async fn newest_received(conn: &mut Conn, limit: i64) -> Result<Vec<Message>> {
    let ids: Vec<MessageId> = NewestReceived { limit }.load(conn).await?;
    let mut found = message::find_many(conn, &ids).await?;
    found.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    Ok(found)
}
