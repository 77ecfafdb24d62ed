//! Live updates of open pages, as server-sent events. All open pages share one poll of the database
//! per second; without open pages there is no poll.
//!
//! A page follows its messages that are under way, by id, and counts new messages that belong
//! before its first row. Polling keeps the sending path free of notifications.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use actix_web::web::{Bytes, Data};
use futures::stream;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};

use super::list_query::path_of;
use super::new_messages::{self, MAX_NEW, NewMessages, NewMessagesFound, NewMessagesQuery};
use super::rows::RowState;
use crate::clock::Clock;
use crate::db::Pool;
use crate::error::Result;
use crate::messages::log::query::{MessageQuery, filled};
use crate::messages::message as messages;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;
use crate::web::http::visit::Layout;
use crate::web::{Page, PageError, PageResult, Pages, Query, Viewer, Visit};

/// The pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stream lasts. The browser then opens another, which it gets only while still signed
/// in.
const STREAM_LIFETIME: Duration = Duration::from_mins(1);
/// How long a stream may be silent before it sends a keep-alive, so that a disconnected browser is
/// noticed.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The largest number of streams per process.
const MAX_STREAMS: usize = 250;
/// The largest number of rows per stream. A page has fewer: a contact's timeline has a hundred.
const MAX_ROWS: usize = 110;

/// Sends changes of messages to open pages. Cheap to clone.
#[derive(Clone)]
pub struct LiveMessages(Arc<Shared>);

struct Shared {
    db: Pool,
    clock: Clock,
    runtime: Handle,
    state: Mutex<Streams>,
}

#[derive(Default)]
struct Streams {
    closed: bool,
    polling: bool,
    next_id: u64,
    by_id: HashMap<u64, Stream>,
}

/// The stream of an open page.
struct Stream {
    /// The rows that are under way, each with the state that was last sent.
    rows: HashMap<MessageId, Option<ShownState>>,
    new_messages: Option<NewMessages>,
    to: Sender<Change>,
}

/// The state of a message that a row shows: status, error code and reason.
type ShownState = (MessageStatus, Option<i32>, Option<String>);

/// The changes to send to a page.
#[derive(Debug)]
struct Change {
    rows: Vec<Message>,
    /// The total number of new messages, if it has grown since the last change.
    new_count: Option<usize>,
}

/// The registration of a stream, which ends when this is dropped.
struct StreamHandle {
    id: u64,
    shared: Arc<Shared>,
    changes: Receiver<Change>,
}

impl LiveMessages {
    /// Creates the hub, which polls on the current runtime.
    #[must_use]
    pub fn new(db: &Pool, clock: &Clock) -> Self {
        Self(Arc::new(Shared {
            db: db.clone(),
            clock: clock.clone(),
            runtime: Handle::current(),
            state: Mutex::default(),
        }))
    }

    /// Ends all streams and refuses new ones, because the server is about to stop.
    pub fn close(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        state.by_id.clear();
    }

    /// Whether any stream is open.
    #[must_use]
    pub fn has_streams(&self) -> bool {
        !self.0.state.lock().by_id.is_empty()
    }

    fn open(
        &self,
        rows: Vec<MessageId>,
        new_messages: Option<NewMessages>,
    ) -> Option<StreamHandle> {
        let (to, changes) = mpsc::channel(4);
        let mut state = self.0.state.lock();
        if state.closed || state.by_id.len() >= MAX_STREAMS {
            return None;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.by_id.insert(
            id,
            Stream { rows: rows.into_iter().map(|row| (row, None)).collect(), new_messages, to },
        );
        if !std::mem::replace(&mut state.polling, true) {
            self.0.runtime.spawn(Arc::clone(&self.0).poll_until_idle());
        }
        drop(state);
        Some(StreamHandle { id, shared: Arc::clone(&self.0), changes })
    }
}

impl std::fmt::Debug for LiveMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveMessages")
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        self.shared.state.lock().by_id.remove(&self.id);
    }
}

impl Shared {
    async fn poll_until_idle(self: Arc<Self>) {
        while let Some((ids, queries)) = self.poll_request() {
            match self.poll(&ids, &queries).await {
                Ok((rows, found)) => self.publish(&rows, &found),
                // Pages keep their state until the database is back.
                Err(error) => tracing::debug!(%error, "open pages cannot be updated for now"),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The ids and queries to poll, without duplicates. None if there are no streams, which ends
    /// polling.
    fn poll_request(&self) -> Option<(Vec<MessageId>, HashMap<String, NewMessagesQuery>)> {
        let mut state = self.state.lock();
        if state.by_id.is_empty() {
            state.polling = false;
            return None;
        }
        let ids: HashSet<MessageId> =
            state.by_id.values().flat_map(|stream| stream.rows.keys().copied()).collect();
        let queries = new_messages::queries(
            state.by_id.values().filter_map(|stream| stream.new_messages.as_ref()),
        );
        drop(state);
        Some((ids.into_iter().collect(), queries))
    }

    async fn poll(
        &self,
        ids: &[MessageId],
        queries: &HashMap<String, NewMessagesQuery>,
    ) -> Result<(HashMap<MessageId, Message>, HashMap<String, NewMessagesFound>), PageError> {
        let mut conn = self.db.get().await?;
        let rows =
            if ids.is_empty() { Vec::new() } else { messages::find_many(&mut conn, ids).await? };
        let found = new_messages::poll(&mut conn, queries, self.clock.now()).await?;
        Ok((rows.into_iter().map(|message| (message.id, message)).collect(), found))
    }

    fn publish(
        &self,
        rows: &HashMap<MessageId, Message>,
        found: &HashMap<String, NewMessagesFound>,
    ) {
        for stream in self.state.lock().by_id.values_mut() {
            stream.send_changes(rows, found);
        }
    }
}

impl Stream {
    /// Sends the changes that are new to this page. If its channel is full, it gets them with a
    /// later poll.
    fn send_changes(
        &mut self,
        rows: &HashMap<MessageId, Message>,
        found: &HashMap<String, NewMessagesFound>,
    ) {
        let Ok(permit) = self.to.try_reserve() else { return };
        let mut change = Change { rows: Vec::new(), new_count: None };
        for (id, shown) in &mut self.rows {
            if let Some(message) = rows.get(id) {
                let now = (message.status, message.error_code, message.reason.clone());
                if shown.as_ref() != Some(&now) {
                    *shown = Some(now);
                    change.rows.push(message.clone());
                }
            }
        }
        self.rows.retain(|id, _| rows.get(id).is_none_or(|message| !message.status.is_final()));
        change.new_count = self.new_messages.as_mut().and_then(|new| new.record(found));
        if !change.rows.is_empty() || change.new_count.is_some() {
            permit.send(change);
        }
    }
}

/// The path of the stream that follows these rows, and counts new messages after `after`; none if
/// there is nothing to follow.
pub(super) fn path(
    query: &MessageQuery,
    rows: impl Iterator<Item = MessageId>,
    after: Option<MessageId>,
) -> Option<String> {
    let rows: Vec<String> = rows.map(|id| id.0.simple().to_string()).collect();
    if rows.is_empty() && after.is_none() {
        return None;
    }
    let mut link = url::form_urlencoded::Serializer::new(String::new());
    link.extend_pairs(query.chosen()).append_pair("rows", &rows.join(" "));
    if let Some(after) = after {
        link.append_pair("after", &after.to_string());
    }
    Some(format!("/messages/live?{}", link.finish()))
}

/// The path of the stream that follows the status of some messages; none if there are none.
pub(in crate::web::ui) fn live_path(rows: impl Iterator<Item = MessageId>) -> Option<String> {
    path(&MessageQuery::default(), rows, None)
}

/// The query of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiveQuery {
    #[serde(flatten)]
    query: MessageQuery,
    /// The ids of the rows, separated by blanks.
    rows: String,
    after: Option<MessageId>,
}

/// Streams the changes of an open page as server-sent events.
pub(super) async fn live(
    visit: Visit<Viewer>,
    live_messages: Data<LiveMessages>,
    query: Query<LiveQuery>,
) -> PageResult {
    let rows: Vec<MessageId> =
        query.rows.split_whitespace().filter_map(|id| id.parse().ok()).take(MAX_ROWS).collect();
    let filter = query.query.filter(visit.organization.default_country, visit.today());
    let filter = filter.map_err(|errors| PageError::BadRequest(errors.to_string()))?;
    let link = query.query.to_link();
    let new_messages = query.after.map(|after| NewMessages::new(link, filter, after));
    let Some(stream) = live_messages.open(rows, new_messages) else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "60")).finish());
    };
    let pages = visit.pages.clone();
    let show = path_of(&query.query);
    let ends_at = Instant::now() + STREAM_LIFETIME;
    let events = stream::unfold((stream, pages), move |(mut stream, pages)| {
        let show = show.clone();
        async move {
            if Instant::now() >= ends_at {
                return None;
            }
            let event = match timeout(KEEP_ALIVE_INTERVAL, stream.changes.recv()).await {
                Ok(Some(change)) => event(&pages, &change, show),
                Ok(None) => return None,
                Err(_) => Ok(Bytes::from_static(b": still here\n\n")),
            };
            Some((event, (stream, pages)))
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would buffer events.
        .insert_header((CONTENT_ENCODING, "identity"))
        // nginx would buffer events, too.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events))
}

/// The fragments to replace on the page.
#[derive(Debug, Serialize)]
struct LivePart {
    rows: Vec<LiveRow>,
    come: Option<usize>,
    many: bool,
    show: String,
}

#[derive(Debug, Serialize)]
struct LiveRow {
    id: MessageId,
    #[serde(flatten)]
    state: RowState,
}

fn event(pages: &Pages, change: &Change, show: String) -> Result<Bytes, tera::Error> {
    let rows =
        change.rows.iter().map(|message| LiveRow { id: message.id, state: RowState::of(message) });
    let part = LivePart {
        rows: rows.collect(),
        come: change.new_count,
        many: change.new_count.is_some_and(|count| count >= MAX_NEW),
        show,
    };
    let html = pages.render(&part, &Layout::signed_out())?;
    let lines = html.lines().filter_map(filled).map(|line| format!("data: {line}\n"));
    Ok(Bytes::from(lines.chain(["\n".to_owned()]).collect::<String>()))
}

impl Page for LivePart {
    const TEMPLATE: &'static str = "ui/messages/_live.html";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::ui::messages::samples;

    fn open_stream(rows: &[MessageId]) -> (Stream, Receiver<Change>) {
        let (to, changes) = mpsc::channel(4);
        let rows = rows.iter().map(|id| (*id, None)).collect();
        (Stream { rows, new_messages: None, to }, changes)
    }

    #[test]
    fn a_row_is_sent_when_it_has_changed_until_its_status_is_final() {
        let mut message = samples::message();
        let (mut stream, mut changes) = open_stream(&[message.id]);
        let mut send = |message: &Message| {
            stream.send_changes(&HashMap::from([(message.id, message.clone())]), &HashMap::new());
        };
        send(&message);
        send(&message);
        message.status = MessageStatus::Delivered;
        send(&message);
        message.status = MessageStatus::Read;
        send(&message);
        let sent: Vec<MessageStatus> = std::iter::from_fn(|| changes.try_recv().ok())
            .map(|change| change.rows[0].status)
            .collect();
        assert_eq!(sent, [MessageStatus::Pending, MessageStatus::Delivered]);
    }

    #[test]
    fn a_change_is_one_event_whatever_it_contains() {
        let pages = Pages::load(&PublicUrl::parse("https://example.com/sms").unwrap()).unwrap();
        let change = Change { rows: samples::messages(), new_count: Some(2) };
        let event = String::from_utf8(
            event(&pages, &change, "/messages?text=%3Cb%3E".to_owned()).unwrap().to_vec(),
        )
        .unwrap();
        assert!(
            event.ends_with("\n\n")
                && event.matches("\n\n").count() == 1
                && event.lines().all(|line| line.is_empty() || line.starts_with("data: "))
        );
        assert!(
            event.contains("2 new messages") && event.contains("/sms/messages?text=%3Cb%3E"),
            "{event}"
        );
        assert_eq!(event.matches("<hx-partial").count(), change.rows.len() + 1);
    }
}
