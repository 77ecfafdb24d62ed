//! Rows that follow what happens: one look at the database a second for everybody who watches, and
//! none while nobody does.
//!
//! What is watched are the messages on open pages that are under way, by their ids, and how many
//! have come that belong before the first row. Sending is not touched: nothing is announced by
//! those who change messages, it is looked at by those who want to see it.

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
use super::news::{self, Come, MAX_NEW, News};
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

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// A stream ends after so long, and the browser opens another: who has signed out since does not
/// get one.
const LIFETIME: Duration = Duration::from_mins(1);
/// Silence longer than this is broken, so that a browser that has gone is noticed.
const SILENCE: Duration = Duration::from_secs(15);
/// More streams than this are not opened by one process.
const MAX_STREAMS: usize = 250;
/// More rows than a page has are not watched by one stream; a contact’s timeline has a hundred.
const MAX_ROWS: usize = 110;

/// Tells open pages what has changed; cheap to clone.
#[derive(Clone)]
pub struct LiveMessages(Arc<Shared>);

struct Shared {
    db: Pool,
    clock: Clock,
    runtime: Handle,
    state: Mutex<Watchers>,
}

#[derive(Default)]
struct Watchers {
    closed: bool,
    looking: bool,
    next: u64,
    open: HashMap<u64, Watcher>,
}

/// An open page.
struct Watcher {
    /// The rows that are under way, each as it was last told.
    rows: HashMap<MessageId, Option<Known>>,
    news: Option<News>,
    to: Sender<Change>,
}

/// What a row shows of a message.
type Known = (MessageStatus, Option<i32>, Option<String>);

/// What has changed on a page.
#[derive(Debug)]
struct Change {
    rows: Vec<Message>,
    /// How many messages have come in all, if some have since the last time.
    come: Option<usize>,
}

/// A place among the watchers, until it is dropped.
struct Watch {
    number: u64,
    shared: Arc<Shared>,
    changes: Receiver<Change>,
}

impl LiveMessages {
    /// Ready for pages; looks on the present runtime.
    #[must_use]
    pub fn new(db: &Pool, clock: &Clock) -> Self {
        Self(Arc::new(Shared {
            db: db.clone(),
            clock: clock.clone(),
            runtime: Handle::current(),
            state: Mutex::default(),
        }))
    }

    /// Ends all streams and opens no more: the server is about to stop.
    pub fn close(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        state.open.clear();
    }

    /// Whether anybody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !self.0.state.lock().open.is_empty()
    }

    fn watch(&self, rows: Vec<MessageId>, news: Option<News>) -> Option<Watch> {
        let (to, changes) = mpsc::channel(4);
        let mut state = self.0.state.lock();
        if state.closed || state.open.len() >= MAX_STREAMS {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.open.insert(
            number,
            Watcher { rows: rows.into_iter().map(|id| (id, None)).collect(), news, to },
        );
        if !std::mem::replace(&mut state.looking, true) {
            self.0.runtime.spawn(Arc::clone(&self.0).keep_looking());
        }
        drop(state);
        Some(Watch { number, shared: Arc::clone(&self.0), changes })
    }
}

impl std::fmt::Debug for LiveMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveMessages")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state.lock().open.remove(&self.number);
    }
}

impl Shared {
    async fn keep_looking(self: Arc<Self>) {
        while let Some((ids, questions)) = self.watched() {
            match self.look(&ids, &questions).await {
                Ok((rows, come)) => self.tell(&rows, &come),
                // Pages stay as they are until it is back.
                Err(error) => tracing::debug!(%error, "open pages are not told of changes for now"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// All that is watched, each once; none when nobody watches, which ends the looking.
    fn watched(&self) -> Option<(Vec<MessageId>, HashMap<String, news::NewsQuestion>)> {
        let mut state = self.state.lock();
        if state.open.is_empty() {
            state.looking = false;
            return None;
        }
        let ids: HashSet<MessageId> =
            state.open.values().flat_map(|watcher| watcher.rows.keys().copied()).collect();
        let questions =
            news::questions(state.open.values().filter_map(|watcher| watcher.news.as_ref()));
        drop(state);
        Some((ids.into_iter().collect(), questions))
    }

    async fn look(
        &self,
        ids: &[MessageId],
        questions: &HashMap<String, news::NewsQuestion>,
    ) -> Result<(HashMap<MessageId, Message>, HashMap<String, Come>), PageError> {
        let mut conn = self.db.get().await?;
        let rows =
            if ids.is_empty() { Vec::new() } else { messages::find_many(&mut conn, ids).await? };
        let come = news::look(&mut conn, questions, self.clock.now()).await?;
        Ok((rows.into_iter().map(|message| (message.id, message)).collect(), come))
    }

    fn tell(&self, rows: &HashMap<MessageId, Message>, come: &HashMap<String, Come>) {
        for watcher in self.state.lock().open.values_mut() {
            watcher.tell(rows, come);
        }
    }
}

impl Watcher {
    /// Tells what is new to this page. What it cannot take now it is told the next time.
    fn tell(&mut self, rows: &HashMap<MessageId, Message>, come: &HashMap<String, Come>) {
        let Ok(place) = self.to.try_reserve() else { return };
        let mut change = Change { rows: Vec::new(), come: None };
        for (id, known) in &mut self.rows {
            if let Some(message) = rows.get(id) {
                let now = (message.status, message.error_code, message.reason.clone());
                if known.as_ref() != Some(&now) {
                    *known = Some(now);
                    change.rows.push(message.clone());
                }
            }
        }
        self.rows.retain(|id, _| rows.get(id).is_none_or(|message| !message.status.is_final()));
        change.come = self.news.as_mut().and_then(|news| news.take(come));
        if !change.rows.is_empty() || change.come.is_some() {
            place.send(change);
        }
    }
}

/// What a page asks for that watches these rows, and what comes before them; none if there is
/// nothing to watch.
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

/// What a page asks for that watches the status of some messages; none if none is under way.
pub(in crate::web::ui) fn path_of_rows(rows: impl Iterator<Item = MessageId>) -> Option<String> {
    path(&MessageQuery::default(), rows, None)
}

/// What a page watches.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Watched {
    #[serde(flatten)]
    query: MessageQuery,
    /// Ids.
    rows: String,
    after: Option<MessageId>,
}

/// Streams what changes on an open page, as server-sent events.
pub(super) async fn live(
    visit: Visit<Viewer>,
    watchers: Data<LiveMessages>,
    watched: Query<Watched>,
) -> PageResult {
    let rows: Vec<MessageId> =
        watched.rows.split_whitespace().filter_map(|id| id.parse().ok()).take(MAX_ROWS).collect();
    let filter = watched.query.filter(visit.organization.default_country, visit.today());
    let filter = filter.map_err(|errors| PageError::BadRequest(errors.to_string()))?;
    let link = watched.query.to_link();
    let news = watched.after.map(|after| News::new(link, filter, after));
    let Some(watch) = watchers.watch(rows, news) else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "60")).finish());
    };
    let pages = visit.pages.clone();
    let show = path_of(&watched.query);
    let ends = Instant::now() + LIFETIME;
    let events = stream::unfold((watch, pages), move |(mut watch, pages)| {
        let show = show.clone();
        async move {
            if Instant::now() >= ends {
                return None;
            }
            let event = match timeout(SILENCE, watch.changes.recv()).await {
                Ok(Some(change)) => event(&pages, &change, show),
                Ok(None) => return None,
                Err(_) => Ok(Bytes::from_static(b": still here\n\n")),
            };
            Some((event, (watch, pages)))
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compressed, events would wait for each other.
        .insert_header((CONTENT_ENCODING, "identity"))
        // So they would in nginx.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events))
}

/// What is put in place of what on the page.
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
        come: change.come,
        many: change.come.is_some_and(|come| come >= MAX_NEW),
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

    fn watcher(rows: &[MessageId]) -> (Watcher, Receiver<Change>) {
        let (to, changes) = mpsc::channel(4);
        (Watcher { rows: rows.iter().map(|id| (*id, None)).collect(), news: None, to }, changes)
    }

    #[test]
    fn a_row_is_told_when_it_has_changed_until_it_ends() {
        let mut message = samples::message();
        let (mut watcher, mut changes) = watcher(&[message.id]);
        let mut tell = |message: &Message| {
            watcher.tell(&HashMap::from([(message.id, message.clone())]), &HashMap::new());
        };
        tell(&message);
        tell(&message);
        message.status = MessageStatus::Delivered;
        tell(&message);
        message.status = MessageStatus::Read;
        tell(&message);
        let told: Vec<MessageStatus> = std::iter::from_fn(|| changes.try_recv().ok())
            .map(|change| change.rows[0].status)
            .collect();
        assert_eq!(told, [MessageStatus::Pending, MessageStatus::Delivered]);
    }

    #[test]
    fn an_event_is_one_whatever_it_says() {
        let pages = Pages::load(&PublicUrl::parse("https://example.com/sms").unwrap()).unwrap();
        let change = Change { rows: samples::messages(), come: Some(2) };
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
