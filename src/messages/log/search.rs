//! Search for messages along an index, newest first, by keyset pagination and with a bounded amount
//! of work in each call.
//!
//! Values that change with every report, such as the status, have no index (docs/adr/0003), so a
//! search reads message after message. A scan reads [`SCAN_LIMIT`] of them and reports where it
//! stopped, so that the caller can continue there. A search skips days on which the ledger knows of
//! no matches.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::filter::{MARGIN, MessageFilter};
use super::ledger_question::question;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::error::Result;
use crate::ledger::newest_day;
use crate::messages::message::Message;
use crate::types::id::MessageId;

/// How many messages one scan reads: 7 ms for a status, 18 ms for a word in the texts (500,000
/// messages, all in memory).
const SCAN_LIMIT: i64 = 7_000;

/// How many scans one call makes while the ledger knows of more matches: together they cost as much
/// as one scan of the texts.
const MAX_SCANS: usize = 3;

/// Where a page of the list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagePosition {
    /// At the newest message.
    Newest,
    /// After this message, going back in time.
    OlderThan(MessageId),
    /// Before this message, going forward in time.
    NewerThan(MessageId),
}

/// One page of the list, newest first.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next, older page begins, if there may be one: [`MessagePosition::OlderThan`] this.
    pub older: Option<MessageId>,
    /// Where the previous, newer page begins, if there is one: [`MessagePosition::NewerThan`] this.
    pub newer: Option<MessageId>,
    /// How far back the search went, if it stopped before the oldest message.
    pub searched_back_to: Option<DateTime<Utc>>,
}

/// Finds up to `limit` messages that match the filter.
pub async fn find_page(
    conn: &mut Conn,
    filter: &MessageFilter,
    position: MessagePosition,
    limit: usize,
) -> Result<SearchPage> {
    match position {
        MessagePosition::Newest => page_back(conn, filter, None, limit).await,
        MessagePosition::OlderThan(before) => page_back(conn, filter, Some(before), limit).await,
        MessagePosition::NewerThan(after) => {
            match page_forward(conn, filter, after, limit).await? {
                Some(page) => Ok(page),
                // Going back to the start ends with a full first page, not with the few newer
                // messages.
                None => page_back(conn, filter, None, limit).await,
            }
        }
    }
}

/// Finds the oldest messages that match the filter, or the next ones after a message, up to
/// `limit`. Like every page, it lists the newest first.
pub async fn find_oldest(
    conn: &mut Conn,
    filter: &MessageFilter,
    after: Option<MessageId>,
    limit: usize,
) -> Result<SearchPage> {
    let from = after.unwrap_or_else(|| MessageId::first_at(DateTime::UNIX_EPOCH));
    let (messages, newer) = scan_forward(conn, filter, from, limit).await?;
    let older = after.map(|after| oldest_of(&messages, after));
    Ok(SearchPage { messages, older, newer, searched_back_to: None })
}

async fn page_back(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: usize,
) -> Result<SearchPage> {
    let mut page = SearchPage::default();
    let mut from = before;
    let scans = if filter.text.is_some() { 1 } else { MAX_SCANS };
    for _ in 0..scans {
        let end = scan_end(conn, filter, from, None).await?;
        let mut query = filter
            .apply(messages::table.select(Message::as_select()).into_boxed())
            .order(messages::id.desc());
        if let Some(from) = from {
            query = query.filter(messages::id.lt(from));
        }
        if let Some(end) = end {
            query = query.filter(messages::id.ge(end));
        }
        // One message more than requested tells whether there are others.
        let missing = (limit + 1).saturating_sub(page.messages.len());
        page.messages.extend(
            query.limit(i64::try_from(missing).unwrap_or(i64::MAX)).load::<Message>(conn).await?,
        );
        if page.messages.len() > limit {
            page.messages.truncate(limit);
            page.older = page.messages.last().map(|message| message.id);
            break;
        }
        page.older = match end {
            Some(end) => resume_at(conn, filter, end).await?,
            None => None,
        };
        if page.older.is_none() || page.older == end {
            break;
        }
        from = page.older;
    }
    page.searched_back_to = page.older.filter(|_| page.messages.len() < limit).map(MessageId::time);
    // If nothing is found, the link back includes the start of this page, which may have been the
    // last message of the previous one.
    page.newer = before.map(|before| {
        page.messages.as_slice().first().map_or_else(|| before.just_before(), |message| message.id)
    });
    Ok(page)
}

/// The page of messages newer than `after`; none if fewer than `limit` are left and all were read.
async fn page_forward(
    conn: &mut Conn,
    filter: &MessageFilter,
    after: MessageId,
    limit: usize,
) -> Result<Option<SearchPage>> {
    let (messages, newer) = scan_forward(conn, filter, after, limit).await?;
    let older = Some(oldest_of(&messages, after));
    Ok(newer.map(|id| SearchPage { messages, older, newer: Some(id), searched_back_to: None }))
}

/// Where the page before begins. If nothing is found, it includes the start of this page, which may
/// have been the first message of the next one.
fn oldest_of(newest_first: &[Message], after: MessageId) -> MessageId {
    newest_first.last().map_or_else(|| after.just_after(), |message| message.id)
}

/// The next matches after a message, newest first, and where to continue; nowhere if all were read.
async fn scan_forward(
    conn: &mut Conn,
    filter: &MessageFilter,
    after: MessageId,
    limit: usize,
) -> Result<(Vec<Message>, Option<MessageId>)> {
    let range = filter
        .restrict_to_index_range(messages::table.select(messages::id).into_boxed())
        .filter(messages::id.gt(after))
        .order(messages::id.asc());
    let end: Option<MessageId> = if filter.is_answered_by_index() {
        None
    } else {
        range.offset(SCAN_LIMIT - 1).limit(1).first(conn).await.optional()?
    };
    let mut query = filter
        .apply(messages::table.select(Message::as_select()).into_boxed())
        .filter(messages::id.gt(after));
    if let Some(end) = end {
        query = query.filter(messages::id.le(end));
    }
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut found: Vec<Message> = query.order(messages::id.asc()).limit(more).load(conn).await?;
    let newer = if found.len() > limit {
        found.truncate(limit);
        found.as_slice().last().map(|message| message.id)
    } else {
        end
    };
    found.reverse();
    Ok((found, newer))
}

/// Where a scan that begins at `before` stops; none when it reaches `down_to` or the oldest
/// message. It reads the index alone, so it is cheap to skip [`SCAN_LIMIT`] entries, however many
/// messages there are.
async fn scan_end(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    down_to: Option<MessageId>,
) -> Result<Option<MessageId>> {
    if filter.is_answered_by_index() {
        return Ok(None);
    }
    let mut range = filter
        .restrict_to_index_range(messages::table.select(messages::id).into_boxed())
        .order(messages::id.desc());
    if let Some(before) = before {
        range = range.filter(messages::id.lt(before));
    }
    if let Some(down_to) = down_to {
        range = range.filter(messages::id.ge(down_to));
    }
    Ok(range.offset(SCAN_LIMIT - 1).limit(1).first(conn).await.optional()?)
}

/// Where to continue after a scan: right there, or further back, where the ledger knows of matches;
/// none if it knows of none.
async fn resume_at(
    conn: &mut Conn,
    filter: &MessageFilter,
    end: MessageId,
) -> Result<Option<MessageId>> {
    let Some(question) = question(filter) else { return Ok(Some(end)) };
    // The ids of a day's last messages may be up to `MARGIN` past midnight.
    let Some(end_of_matches) =
        newest_day::end_of_matches(conn, &question, end.time() + MARGIN).await?
    else {
        return Ok(None);
    };
    let next_match = MessageId::first_at(end_of_matches + MARGIN);
    Ok(Some(next_match.min(end)))
}

/// The id of the newest match before another message; reads nothing else of it.
pub async fn next_id(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
) -> Result<Option<MessageId>> {
    let mut query =
        filter.apply(messages::table.select(messages::id).into_boxed()).order(messages::id.desc());
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.first(conn).await.optional()?)
}

/// The number of matches, at most `limit`; for filters that an index answers, and for few messages.
pub(super) async fn count(conn: &mut Conn, filter: &MessageFilter, limit: i64) -> Result<i64> {
    let query = filter.apply(messages::table.select(messages::id).into_boxed());
    let ids: Vec<MessageId> = query.order(messages::id.desc()).limit(limit).load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// The ids of matches from one message on, newest first and at most `limit`; reads at most
/// [`SCAN_LIMIT`] messages.
pub async fn ids_since(
    conn: &mut Conn,
    filter: &MessageFilter,
    from: MessageId,
    limit: usize,
) -> Result<Vec<MessageId>> {
    let from = from.max(scan_end(conn, filter, None, Some(from)).await?.unwrap_or(from));
    let query = filter
        .apply(messages::table.select(messages::id).into_boxed())
        .filter(messages::id.ge(from));
    Ok(query
        .order(messages::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(conn)
        .await?)
}

/// Lists matches, newest first, up to a limit. For filters that an index answers; others need
/// [`find_page`].
pub async fn list(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Message>> {
    let mut query = filter
        .apply(messages::table.select(Message::as_select()).into_boxed())
        .order(messages::id.desc())
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.load(conn).await?)
}
