//! Looking for messages along an index, newest first: so far at a time that it is quick whatever is
//! asked for, and honest about how far.
//!
//! What changes with every report, such as the status, has no index (docs/adr/0003). Looking for it
//! means to read message after message; a look reads [`SCAN_LIMIT`] of them and says where it
//! ended, so that whoever asked can go on from there. Where the ledger knows that there is nothing
//! for days, it is not looked there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::filter::{MARGIN, MessageFilter};
use super::ledger_question::question;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::error::Result;
use crate::ledger::newest;
use crate::messages::message::Message;
use crate::types::id::MessageId;

/// As many messages as are read in one go: 7 ms for a status, 18 ms for a word in the texts
/// (500,000 messages, all in memory).
const SCAN_LIMIT: i64 = 7_000;

/// So often it is looked, where the ledger says that there is more: as much in all as to read as
/// many texts once.
const LEAPS: usize = 3;

/// Where a part of the list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagePosition {
    /// With the newest message.
    Newest,
    /// After this message, towards the past.
    OlderThan(MessageId),
    /// Before this message, towards the present.
    NewerThan(MessageId),
}

/// A part of the list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next part begins, if there may be one: [`MessagePosition::OlderThan`] this.
    pub older: Option<MessageId>,
    /// Where the part before begins, if there is one: [`MessagePosition::NewerThan`] this.
    pub newer: Option<MessageId>,
    /// Back to when was looked, where that is not as far as there are messages.
    pub looked_back_to: Option<DateTime<Utc>>,
}

/// Looks for up to `limit` messages that fit.
pub async fn look(
    conn: &mut Conn,
    filter: &MessageFilter,
    place: MessagePosition,
    limit: usize,
) -> Result<Part> {
    match place {
        MessagePosition::Newest => back(conn, filter, None, limit).await,
        MessagePosition::OlderThan(before) => back(conn, filter, Some(before), limit).await,
        MessagePosition::NewerThan(after) => match forth(conn, filter, after, limit).await? {
            Some(part) => Ok(part),
            // The way back to the start ends with a full first page, not with the few that are
            // newer.
            None => back(conn, filter, None, limit).await,
        },
    }
}

async fn back(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: usize,
) -> Result<Part> {
    let mut part = Part::default();
    let mut from = before;
    let leaps = if filter.text.is_some() { 1 } else { LEAPS };
    for _ in 0..leaps {
        let end = end(conn, filter, from, None).await?;
        let mut query = filter
            .narrow(messages::table.select(Message::as_select()).into_boxed())
            .order(messages::id.desc());
        if let Some(from) = from {
            query = query.filter(messages::id.lt(from));
        }
        if let Some(end) = end {
            query = query.filter(messages::id.ge(end));
        }
        // One more than is asked for tells whether there are others.
        let lacking = (limit + 1).saturating_sub(part.messages.len());
        part.messages.extend(
            query.limit(i64::try_from(lacking).unwrap_or(i64::MAX)).load::<Message>(conn).await?,
        );
        if part.messages.len() > limit {
            part.messages.truncate(limit);
            part.older = part.messages.last().map(|message| message.id);
            break;
        }
        part.older = match end {
            Some(end) => onward(conn, filter, end).await?,
            None => None,
        };
        if part.older.is_none() || part.older == end {
            break;
        }
        from = part.older;
    }
    part.looked_back_to = part.older.filter(|_| part.messages.len() < limit).map(MessageId::time);
    // Where nothing is found, the way back includes where this part began: that message may have
    // been the last one of the part before.
    part.newer = before.map(|before| {
        part.messages.as_slice().first().map_or_else(|| before.just_before(), |message| message.id)
    });
    Ok(part)
}

/// The messages that follow after one; nothing if they are fewer than asked for, and all that there
/// are.
async fn forth(
    conn: &mut Conn,
    filter: &MessageFilter,
    after: MessageId,
    limit: usize,
) -> Result<Option<Part>> {
    let way = filter
        .way(messages::table.select(messages::id).into_boxed())
        .filter(messages::id.gt(after))
        .order(messages::id.asc());
    let end: Option<MessageId> = if filter.is_served() {
        None
    } else {
        way.offset(SCAN_LIMIT - 1).limit(1).first(conn).await.optional()?
    };
    let mut query = filter
        .narrow(messages::table.select(Message::as_select()).into_boxed())
        .filter(messages::id.gt(after));
    if let Some(end) = end {
        query = query.filter(messages::id.le(end));
    }
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut found: Vec<Message> = query.order(messages::id.asc()).limit(more).load(conn).await?;
    let newer = match end {
        _ if found.len() > limit => {
            found.truncate(limit);
            found.last().map(|message| message.id)
        }
        Some(end) => Some(end),
        None => return Ok(None),
    };
    found.reverse();
    // Where nothing is found, the way back includes where this part began: that message may have
    // been the first one of the part after.
    let older = found.as_slice().last().map_or_else(|| after.just_after(), |message| message.id);
    Ok(Some(Part { messages: found, older: Some(older), newer, looked_back_to: None }))
}

/// Where a look ends that begins here; none when it comes as far as it is to, or as there are
/// messages. The index alone is read, which is why counting off is cheap here: up to [`SCAN_LIMIT`]
/// entries, however many messages there are.
async fn end(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    down_to: Option<MessageId>,
) -> Result<Option<MessageId>> {
    if filter.is_served() {
        return Ok(None);
    }
    let mut way =
        filter.way(messages::table.select(messages::id).into_boxed()).order(messages::id.desc());
    if let Some(before) = before {
        way = way.filter(messages::id.lt(before));
    }
    if let Some(down_to) = down_to {
        way = way.filter(messages::id.ge(down_to));
    }
    Ok(way.offset(SCAN_LIMIT - 1).limit(1).first(conn).await.optional()?)
}

/// Where to go on after a look has ended: right there, or further back, where the ledger knows of
/// messages like these; none if of none.
async fn onward(
    conn: &mut Conn,
    filter: &MessageFilter,
    end: MessageId,
) -> Result<Option<MessageId>> {
    let Some(question) = question(filter) else { return Ok(Some(end)) };
    // Those of the last hour of a day may lie beyond midnight.
    let Some(none_from) = newest::none_from(conn, &question, end.time() + MARGIN).await? else {
        return Ok(None);
    };
    let over = MessageId::first_at(none_from + MARGIN);
    Ok(Some(over.min(end)))
}

/// The id of the newest message before one that may fit; nothing else of it is read.
pub async fn next_id(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
) -> Result<Option<MessageId>> {
    let mut query =
        filter.narrow(messages::table.select(messages::id).into_boxed()).order(messages::id.desc());
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.first(conn).await.optional()?)
}

/// The ids of messages that fit from one on, the newest first and at most `limit`; no more than
/// [`SCAN_LIMIT`] messages are read.
pub async fn ids_since(
    conn: &mut Conn,
    filter: &MessageFilter,
    from: MessageId,
    limit: usize,
) -> Result<Vec<MessageId>> {
    let from = from.max(end(conn, filter, None, Some(from)).await?.unwrap_or(from));
    let query = filter
        .narrow(messages::table.select(messages::id).into_boxed())
        .filter(messages::id.ge(from));
    Ok(query
        .order(messages::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(conn)
        .await?)
}

/// All messages that fit the filter, the newest first, up to a limit; for filters that an index
/// serves, others take [`look`].
pub async fn list(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Message>> {
    let mut query = filter
        .narrow(messages::table.select(Message::as_select()).into_boxed())
        .order(messages::id.desc())
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.load(conn).await?)
}
