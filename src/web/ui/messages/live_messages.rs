//! The hub of live updates: it sends changes of messages to open pages. All open pages share one
//! poll of the database per second; without open pages there is no poll.
//!
//! A page follows those of its messages whose status may still change, and counts new messages
//! above its first row. The hub polls, so that sending a message costs no notification.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::new_message_count::{self, NewMessageCount, NewMessagesFound, NewMessagesQuery};
use crate::clock::Clock;
use crate::db::Pool;
use crate::error::Result;
use crate::messages::message as messages;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::types::id::MessageId;
use crate::web::PageError;

/// The pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The largest number of streams per process.
const MAX_STREAMS: usize = 250;

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
    /// The rows whose status may still change, each with the state that was last sent.
    rows: HashMap<MessageId, Option<ShownState>>,
    new_messages: Option<NewMessageCount>,
    to: Sender<LiveChange>,
}

/// The state of a message that a row shows: status, error code and reason.
type ShownState = (MessageStatus, Option<i32>, Option<String>);

/// The changes to send to a page.
#[derive(Debug)]
pub(super) struct LiveChange {
    pub(super) rows: Vec<Message>,
    /// The total number of new messages, if it has grown since the last change.
    pub(super) new_count: Option<usize>,
}

/// The registration of a stream, which ends when this is dropped.
pub(super) struct OpenStream {
    id: u64,
    shared: Arc<Shared>,
    pub(super) changes: Receiver<LiveChange>,
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

    /// Opens a stream that follows these rows; none at the limit, or if the server is about to
    /// stop.
    pub(super) fn open(
        &self,
        rows: Vec<MessageId>,
        new_messages: Option<NewMessageCount>,
    ) -> Option<OpenStream> {
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
        Some(OpenStream { id, shared: Arc::clone(&self.0), changes })
    }
}

impl std::fmt::Debug for LiveMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveMessages")
    }
}

impl Drop for OpenStream {
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
        let queries = new_message_count::queries(
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
        let found = new_message_count::poll(&mut conn, queries, self.clock.now()).await?;
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
        let mut change = LiveChange { rows: Vec::new(), new_count: None };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::messages::samples;

    fn open_stream(rows: &[MessageId]) -> (Stream, Receiver<LiveChange>) {
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
}
