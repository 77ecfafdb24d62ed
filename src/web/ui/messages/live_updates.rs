//! Live updates of an open page, as server-sent events: the stream, its path, and the fragments of
//! the page that each event replaces.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use actix_web::web::{Bytes, Data};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::list_query::path_of;
use super::list_rows::RowState;
use super::live_messages::{LiveChange, LiveMessages};
use super::new_message_count::{MAX_NEW, NewMessageCount};
use crate::messages::log::query_parameters::{MessageQuery, filled};
use crate::types::id::{ContactId, MessageId};
use crate::web::ui::layout::Layout;
use crate::web::{Page, PageError, PageResult, Pages, Query, Viewer, Visit};

/// How long a stream lasts. The browser then opens another one, for which the user has to be signed
/// in still.
const STREAM_LIFETIME: Duration = Duration::from_mins(1);
/// The longest pause between two events. A comment is sent instead of an event, since only a write
/// reveals that the browser has disconnected.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The largest number of rows per stream. A page has fewer: a contact's timeline has a hundred.
const MAX_ROWS: usize = 110;

/// The path of the stream that updates these rows, and counts new messages after `after`; none if
/// there is nothing to update.
pub(super) fn list_updates_path(
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

/// The path of the stream that updates these messages of a contact's page, and counts new ones
/// after `after`; none if there is nothing to update.
pub(in crate::web::ui) fn conversation_updates_path(
    contact: ContactId,
    rows: impl Iterator<Item = MessageId>,
    after: Option<MessageId>,
) -> Option<String> {
    let path = list_updates_path(&MessageQuery::default(), rows, after)?;
    Some(format!("{path}&conversation={contact}"))
}

/// The query of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiveUpdatesQuery {
    #[serde(flatten)]
    query: MessageQuery,
    /// The ids of the rows, separated by blanks.
    rows: String,
    after: Option<MessageId>,
    /// The contact on whose page the messages are, instead of in the list of the query.
    conversation: Option<ContactId>,
}

/// Streams the changes of an open page as server-sent events.
pub(super) async fn stream(
    visit: Visit<Viewer>,
    live_messages: Data<LiveMessages>,
    query: Query<LiveUpdatesQuery>,
) -> PageResult {
    let rows: Vec<MessageId> =
        query.rows.split_whitespace().filter_map(|id| id.parse().ok()).take(MAX_ROWS).collect();
    let (messages, show) = query.messages();
    let filter = messages.filter(visit.organization.default_country, visit.today());
    let filter = filter.map_err(|errors| PageError::BadRequest(errors.to_string()))?;
    let link = messages.to_link();
    let new_messages = query.after.map(|after| NewMessageCount::new(link, filter, after));
    let Some(stream) = live_messages.open(rows, new_messages) else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "60")).finish());
    };
    let pages = visit.pages.clone();
    let ends_at = Instant::now() + STREAM_LIFETIME;
    let events = futures::stream::unfold((stream, pages), move |(mut stream, pages)| {
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

impl LiveUpdatesQuery {
    /// Which messages are new, and the link that shows them.
    fn messages(&self) -> (MessageQuery, NewMessagesLink) {
        match self.conversation {
            Some(contact) => (
                MessageQuery { contact_id: contact.to_string(), ..MessageQuery::default() },
                NewMessagesLink { path: format!("/contacts/{contact}"), in_place: true },
            ),
            None => (
                self.query.clone(),
                NewMessagesLink { path: path_of(&self.query), in_place: false },
            ),
        }
    }
}

/// The link that shows new messages.
#[derive(Debug, Clone, Serialize)]
struct NewMessagesLink {
    path: String,
    /// Whether only the conversation is loaded again, which keeps a text that is being written.
    in_place: bool,
}

/// The fragments to replace on the page.
#[derive(Debug, Serialize)]
struct LiveUpdates {
    rows: Vec<LiveRow>,
    /// The number of new messages above the first row, if it has grown.
    come: Option<usize>,
    /// Whether there may be more new messages than were counted.
    many: bool,
    show: NewMessagesLink,
}

#[derive(Debug, Serialize)]
struct LiveRow {
    id: MessageId,
    #[serde(flatten)]
    state: RowState,
}

fn event(pages: &Pages, change: &LiveChange, show: NewMessagesLink) -> Result<Bytes, tera::Error> {
    let rows =
        change.rows.iter().map(|message| LiveRow { id: message.id, state: RowState::of(message) });
    let part = LiveUpdates {
        rows: rows.collect(),
        come: change.new_count,
        many: change.new_count.is_some_and(|count| count >= MAX_NEW),
        show,
    };
    let html = pages.render(&part, &Layout::signed_out())?;
    let lines = html.lines().filter_map(filled).map(|line| format!("data: {line}\n"));
    Ok(Bytes::from(lines.chain(["\n".to_owned()]).collect::<String>()))
}

impl Page for LiveUpdates {
    const TEMPLATE: &'static str = "ui/messages/_live_updates.html";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::ui::messages::samples;

    fn event_of(change: &LiveChange, query: &LiveUpdatesQuery) -> String {
        let pages = Pages::load(&PublicUrl::parse("https://example.com/sms").unwrap()).unwrap();
        let event = event(&pages, change, query.messages().1).unwrap();
        String::from_utf8(event.to_vec()).unwrap()
    }

    #[test]
    fn a_change_is_one_event_whatever_it_contains() {
        let change = LiveChange { rows: samples::messages(), new_count: Some(2) };
        let query = MessageQuery { text: "<b>".to_owned(), ..MessageQuery::default() };
        let event = event_of(&change, &LiveUpdatesQuery { query, ..LiveUpdatesQuery::default() });
        assert!(
            event.ends_with("\n\n")
                && event.matches("\n\n").count() == 1
                && event.lines().all(|line| line.is_empty() || line.starts_with("data: "))
        );
        assert!(
            event.contains("2 new messages")
                && event.contains("/sms/messages?text=%3Cb%3E")
                && !event.contains("hx-get"),
            "{event}"
        );
        assert_eq!(event.matches("<hx-partial").count(), change.rows.len() + 1);
    }

    #[test]
    fn a_conversation_counts_the_messages_of_its_contact() {
        let (contact, after) = (ContactId::new(), MessageId::new());
        let none = std::iter::empty;
        assert_eq!(conversation_updates_path(contact, none(), None), None);
        let path = conversation_updates_path(contact, none(), Some(after)).unwrap();
        let query = path.strip_prefix("/messages/live?").unwrap();
        let query = Query::<LiveUpdatesQuery>::read(query).unwrap().into_inner();
        assert_eq!((query.conversation, query.after), (Some(contact), Some(after)));
        assert_eq!(query.messages().0.to_link(), format!("contact_id={contact}"));
        let event = event_of(&LiveChange { rows: Vec::new(), new_count: Some(1) }, &query);
        assert!(
            event.contains("1 new message:")
                && event.contains(&format!("hx-get=\"/sms/contacts/{contact}\"")),
            "{event}"
        );
    }
}
