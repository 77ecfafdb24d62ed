//! The messages of a filter as a CSV file, which is streamed: a batch is read at a time, however
//! many messages there are.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures::stream;

use crate::automations;
use crate::contacts::{self, Contact};
use crate::context::Context;
use crate::db::{self, Conn};
use crate::error::{Error, Result};
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::search::{MessagePosition, SearchPage, find_page, next_id};
use crate::messages::message::{self, Message};
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::senders::{self, Sender};
use crate::templates::{self, Template};
use crate::twilio::error_codes;
use crate::types::id::{AutomationId, ContactId, MessageId, SenderId, TemplateId};
use crate::web::http::client_connection::ClientConnection;
use crate::web::{PageError, PageResult, Query, Viewer, Visit};

/// The number of messages read per batch; a connection is held for one batch only.
const BATCH: usize = 1_000;

/// Without a byte order mark, spreadsheets assume the machine's legacy encoding, not UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const HEADER: [&str; 23] = [
    "id",
    "direction",
    "created_at",
    "status",
    "status_at",
    "to",
    "from",
    "contact",
    "contact_id",
    "text",
    "parts",
    "encoding",
    "media",
    "error_code",
    "error",
    "reason",
    "template",
    "template_version",
    "automation",
    "sender",
    "twilio_sid",
    "retry_of",
    "retried_at",
];

/// The state of an export between two batches.
struct Export {
    context: Data<Context>,
    filter: Arc<MessageFilter>,
    zone: Tz,
    position: Option<MessagePosition>,
    has_header: bool,
    client: Option<ClientConnection>,
}

/// The names of everything that the messages of a batch refer to.
#[derive(Debug, Default)]
struct Names {
    contacts: HashMap<ContactId, Contact>,
    templates: HashMap<TemplateId, Template>,
    automations: HashMap<AutomationId, String>,
    senders: HashMap<SenderId, Sender>,
}

/// Downloads the messages of the filter.
pub(super) async fn download(
    visit: Visit<Viewer>,
    query: Query<MessageQuery>,
    request: HttpRequest,
) -> PageResult {
    let filter = query.filter(visit.organization.default_country, visit.today());
    let filter = filter.map_err(|errors| PageError::BadRequest(errors.to_string()))?;
    let zone = visit.zone();
    let day = visit.now().with_timezone(&zone).format("%Y-%m-%d");
    let export = Export {
        context: visit.context.clone(),
        filter: Arc::new(filter),
        zone,
        position: Some(MessagePosition::Newest),
        has_header: false,
        client: ClientConnection::of(&request),
    };
    let file = stream::try_unfold(export, async |mut export: Export| {
        Ok::<_, PageError>(export.next().await?.map(|bytes| (bytes, export)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"messages-{day}.csv\""),
        ))
        .streaming(file))
}

impl Export {
    /// The next part of the file; none at its end or once the client has disconnected, which the
    /// server does not notice by itself while a search finds nothing to write.
    async fn next(&mut self) -> Result<Option<Bytes>, PageError> {
        let Some(position) = self
            .position
            .filter(|_| !self.client.as_ref().is_some_and(ClientConnection::is_closed))
        else {
            return Ok(None);
        };
        // A task of its own: a client that disconnects would otherwise drop the connection in the
        // middle of a query, which makes it unusable.
        let (context, filter) = (self.context.clone(), Arc::clone(&self.filter));
        let read = tokio::spawn(async move {
            let mut conn = context.db.get().await?;
            let (part, unreadable) = match find_page(&mut conn, &filter, position, BATCH).await {
                Ok(part) => (part, None),
                Err(Error::Database(error)) if !db::is_unavailable(&error) => {
                    read_one_by_one(&mut conn, &filter, position, context.clock.now()).await?
                }
                Err(error) => return Err(error.into()),
            };
            let names = Names::of(&mut conn, &part.messages).await?;
            Ok::<_, PageError>((part, unreadable, names))
        });
        let (part, unreadable, names) =
            read.await.map_err(|error| Error::Internal(error.to_string()))??;
        self.position = part.older.map(MessagePosition::OlderThan);
        let mut text = if self.has_header { Vec::new() } else { BYTE_ORDER_MARK.to_vec() };
        let mut file =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut text);
        if !std::mem::replace(&mut self.has_header, true) {
            file.write_record(HEADER).map_err(write_error)?;
        }
        for message in &part.messages {
            file.write_record(names.record(message, self.zone)).map_err(write_error)?;
        }
        if let Some(id) = unreadable {
            file.write_record(record_of_unreadable(id)).map_err(write_error)?;
        }
        file.flush().map_err(|error| Error::Internal(error.to_string()))?;
        drop(file);
        Ok(Some(Bytes::from(text)))
    }
}

/// Slow path for a batch that cannot be read: reads message by message up to the first unreadable
/// one, which is set aside and named in the file.
async fn read_one_by_one(
    conn: &mut Conn,
    filter: &MessageFilter,
    position: MessagePosition,
    now: DateTime<Utc>,
) -> Result<(SearchPage, Option<MessageId>)> {
    let mut before = match position {
        MessagePosition::OlderThan(before) => Some(before),
        MessagePosition::Newest | MessagePosition::NewerThan(_) => None,
    };
    let mut part = SearchPage::default();
    while part.messages.len() < BATCH {
        let Some(id) = next_id(conn, filter, before).await? else {
            part.older = None;
            return Ok((part, None));
        };
        (before, part.older) = (Some(id), Some(id));
        match message::find(conn, id).await {
            Ok(message) => part.messages.push(message),
            Err(Error::NotFound(_)) => {}
            Err(error) => {
                tracing::error!(message.id = %id, %error, "a message cannot be exported");
                set_aside::record(
                    conn,
                    &TaskItem::new(Task::Export, &id, None),
                    &error.to_string(),
                    now,
                )
                .await?;
                return Ok((part, Some(id)));
            }
        }
    }
    Ok((part, None))
}

/// The CSV record of a message that cannot be read.
fn record_of_unreadable(id: MessageId) -> [String; HEADER.len()] {
    let mut record: [String; HEADER.len()] = Default::default();
    record[0] = id.to_string();
    "(This message can’t be read. An admin sees why under “Set aside”.)".clone_into(&mut record[9]);
    record
}

#[expect(clippy::needless_pass_by_value, reason = "it turns one error into another")]
fn write_error(error: csv::Error) -> Error {
    Error::Internal(format!("a line of a CSV file cannot be written: {error}"))
}

impl Names {
    async fn of(conn: &mut Conn, messages: &[Message]) -> Result<Self> {
        fn ids<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
            let mut ids: Vec<T> = ids.collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        }
        let contacts = contacts::find_many(
            conn,
            &ids(messages.iter().filter_map(|message| message.contact_id)),
        )
        .await?;
        let automations = automations::find_many(
            conn,
            &ids(messages.iter().filter_map(|message| message.automation_id)),
        )
        .await?;
        Ok(Self {
            contacts: contacts.into_iter().map(|contact| (contact.id, contact)).collect(),
            templates: templates::find_many(
                conn,
                &ids(messages.iter().filter_map(|message| message.template_id)),
            )
            .await?,
            automations: automations
                .into_iter()
                .map(|automation| (automation.id, automation.name))
                .collect(),
            senders: senders::find_many(
                conn,
                &ids(messages.iter().filter_map(|message| message.sender_id)),
            )
            .await?,
        })
    }

    fn record(&self, message: &Message, zone: Tz) -> [String; HEADER.len()] {
        let time = |at: DateTime<Utc>| {
            at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false)
        };
        let contact = message.contact_id.and_then(|id| self.contacts.get(&id));
        let template = message.template_id.and_then(|id| self.templates.get(&id));
        let automation = message.automation_id.and_then(|id| self.automations.get(&id));
        let sender = message.sender_id.and_then(|id| self.senders.get(&id));
        [
            message.id.to_string(),
            message.direction.to_string(),
            time(message.created_at),
            message.status.to_string(),
            time(message.status_at),
            escape_formula(message.to_address.clone()),
            escape_formula(message.from_address.clone().unwrap_or_default()),
            escape_formula(contact.and_then(Contact::full_name).unwrap_or_default()),
            text_of(message.contact_id),
            escape_formula(message.body.clone()),
            message.parts.to_string(),
            message.encoding.clone().unwrap_or_default(),
            escape_formula(message.media_urls.join(" ")),
            text_of(message.error_code),
            message
                .error_code
                .map(|code| error_codes::lookup(code).title.to_owned())
                .unwrap_or_default(),
            escape_formula(message.reason.clone().unwrap_or_default()),
            escape_formula(template.map(|template| template.name.clone()).unwrap_or_default()),
            text_of(message.template_version),
            escape_formula(automation.cloned().unwrap_or_default()),
            escape_formula(sender.map(Sender::label).unwrap_or_default()),
            message.twilio_sid.clone().unwrap_or_default(),
            text_of(message.retry_of),
            message.retried_at.map(time).unwrap_or_default(),
        ]
    }
}

fn text_of(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Prevents formula injection: a contact can text `=HYPERLINK(…)`, which a spreadsheet would run. A
/// phone number is left unchanged.
fn escape_formula(text: String) -> String {
    let is_number = text.strip_prefix('+').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_escaped_and_numbers_left_unchanged() {
        let is_unchanged = |text: &str| escape_formula(text.to_owned()) == text;
        assert!(
            is_unchanged("+14155550123")
                && is_unchanged("Hi =1")
                && is_unchanged("")
                && is_unchanged("MG0123")
        );
        for formula in ["=1+1", "+1+1", "-1", "@SUM(A1)", "\t=1", "+", "\r=1"] {
            assert_eq!(escape_formula(formula.to_owned()), format!("'{formula}"));
        }
    }

    #[test]
    fn each_column_has_a_name_and_times_have_an_offset() {
        let message = super::super::samples::message();
        let record = Names::default().record(&message, Tz::Europe__Berlin);
        let cell =
            |name: &str| record[HEADER.iter().position(|header| *header == name).unwrap()].as_str();
        assert_eq!(
            (cell("to"), cell("status"), cell("created_at")),
            ("+14155550123", "pending", "1970-01-01T01:00:00.000+01:00")
        );
        assert!(cell("text").contains("<7>\u{20}& more") || cell("text").contains("<7> & more"));
    }
}
