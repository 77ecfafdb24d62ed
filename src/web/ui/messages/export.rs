//! The messages of a filter as a CSV file: read some hundred at a time while it is downloaded,
//! however many they are.

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
use crate::messages::log::query::MessageQuery;
use crate::messages::log::search::{MessagePosition, Part, look, next_id};
use crate::messages::message::{self, Message};
use crate::queue::set_aside::{self, Item, Task};
use crate::senders::{self, Sender};
use crate::templates::{self, Template};
use crate::twilio::errors;
use crate::types::id::{AutomationId, ContactId, MessageId, SenderId, TemplateId};
use crate::web::http::wire::Wire;
use crate::web::{PageError, PageResult, Query, Viewer, Visit};

/// As many messages as are read at a time: a connection is held only so long.
const BATCH: usize = 1_000;

/// Spreadsheets take a file without it for one in the encoding of the machine.
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

/// What is left to do of an export.
struct Export {
    context: Data<Context>,
    filter: Arc<MessageFilter>,
    zone: Tz,
    place: Option<MessagePosition>,
    begun: bool,
    wire: Option<Wire>,
}

/// The names that belong to a batch.
#[derive(Debug, Default)]
struct Names {
    contacts: HashMap<ContactId, Contact>,
    templates: HashMap<TemplateId, Template>,
    automations: HashMap<AutomationId, String>,
    senders: HashMap<SenderId, Sender>,
}

pub(super) async fn export(
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
        place: Some(MessagePosition::Newest),
        begun: false,
        wire: Wire::of(&request),
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
    /// The next part of the file; none at its end, and when nobody waits for it any more: where
    /// nothing is found, nothing is written, and the server does not notice by itself.
    async fn next(&mut self) -> Result<Option<Bytes>, PageError> {
        let Some(place) = self.place.filter(|_| !self.wire.as_ref().is_some_and(Wire::is_cut))
        else {
            return Ok(None);
        };
        // By itself: whoever goes away meanwhile would else leave a connection amid a query, of no
        // use to anybody.
        let (context, filter) = (self.context.clone(), Arc::clone(&self.filter));
        let read = tokio::spawn(async move {
            let mut conn = context.db.get().await?;
            let (part, unreadable) = match look(&mut conn, &filter, place, BATCH).await {
                Ok(part) => (part, None),
                Err(Error::Database(error)) if !db::is_away(&error) => {
                    one_by_one(&mut conn, &filter, place, context.clock.now()).await?
                }
                Err(error) => return Err(error.into()),
            };
            let names = Names::of(&mut conn, &part.messages).await?;
            Ok::<_, PageError>((part, unreadable, names))
        });
        let (part, unreadable, names) =
            read.await.map_err(|error| Error::Internal(error.to_string()))??;
        self.place = part.older.map(MessagePosition::OlderThan);
        let mut text = if self.begun { Vec::new() } else { BYTE_ORDER_MARK.to_vec() };
        let mut file =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut text);
        if !std::mem::replace(&mut self.begun, true) {
            file.write_record(HEADER).map_err(unwritable)?;
        }
        for message in &part.messages {
            file.write_record(names.record(message, self.zone)).map_err(unwritable)?;
        }
        if let Some(id) = unreadable {
            file.write_record(record_of_unreadable(id)).map_err(unwritable)?;
        }
        file.flush().map_err(|error| Error::Internal(error.to_string()))?;
        drop(file);
        Ok(Some(Bytes::from(text)))
    }
}

/// Reads on, message by message, where a batch cannot be read, up to the first that is at fault:
/// that one is set aside, and the file names it.
async fn one_by_one(
    conn: &mut Conn,
    filter: &MessageFilter,
    place: MessagePosition,
    now: DateTime<Utc>,
) -> Result<(Part, Option<MessageId>)> {
    let mut before = match place {
        MessagePosition::OlderThan(before) => Some(before),
        MessagePosition::Newest | MessagePosition::NewerThan(_) => None,
    };
    let mut part = Part::default();
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
                set_aside::keep(conn, &Item::new(Task::Export, &id, None), &error.to_string(), now)
                    .await?;
                return Ok((part, Some(id)));
            }
        }
    }
    Ok((part, None))
}

/// The line of a message that cannot be read.
fn record_of_unreadable(id: MessageId) -> [String; HEADER.len()] {
    let mut record: [String; HEADER.len()] = Default::default();
    record[0] = id.to_string();
    "(This message cannot be read: an admin sees why under Admin, Set aside.)"
        .clone_into(&mut record[9]);
    record
}

#[expect(clippy::needless_pass_by_value, reason = "it turns one error into another")]
fn unwritable(error: csv::Error) -> Error {
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
            harmless(message.to_address.clone()),
            harmless(message.from_address.clone().unwrap_or_default()),
            harmless(contact.and_then(Contact::full_name).unwrap_or_default()),
            text_of(message.contact_id),
            harmless(message.body.clone()),
            message.parts.to_string(),
            message.encoding.clone().unwrap_or_default(),
            harmless(message.media_urls.join(" ")),
            text_of(message.error_code),
            message
                .error_code
                .map(|code| errors::lookup(code).title.to_owned())
                .unwrap_or_default(),
            harmless(message.reason.clone().unwrap_or_default()),
            harmless(template.map(|template| template.name.clone()).unwrap_or_default()),
            text_of(message.template_version),
            harmless(automation.cloned().unwrap_or_default()),
            harmless(sender.map(Sender::label).unwrap_or_default()),
            message.twilio_sid.clone().unwrap_or_default(),
            text_of(message.retry_of),
            message.retried_at.map(time).unwrap_or_default(),
        ]
    }
}

fn text_of(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Takes from a text what makes spreadsheets run it as a formula: anybody can text `=HYPERLINK(…)`
/// to us. A phone number stays as it is.
fn harmless(text: String) -> String {
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
    fn a_text_is_no_formula_and_a_number_stays_a_number() {
        let same = |text: &str| harmless(text.to_owned()) == text;
        assert!(same("+14155550123") && same("Hi =1") && same("") && same("MG0123"));
        for formula in ["=1+1", "+1+1", "-1", "@SUM(A1)", "\t=1", "+", "\r=1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
    }

    #[test]
    fn every_column_has_a_name_and_times_have_a_zone() {
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
