//! `/events`: what contacts did, reported one by one or up to a thousand at once.

mod reports;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{OpenApi, ToSchema};

use super::{ApiError, ApiResult, Caller, JsonFields};
use crate::contacts::ExternalId;
use crate::error::FieldErrors;
use crate::events::{
    ClientId, ContactRef, EventName, MAX_EVENTS, NewEvent, Properties, RecordOutcome, Timing,
};
use crate::types::country::Country;
use crate::types::id::EventId;
use crate::types::json_object::ObjectReader;
use crate::types::mistake::{self, Mistake};
use crate::types::moment::Moment;
use crate::types::phone::PhoneNumber;
use crate::users::organization;
use crate::web::Marketer;

use reports::Answer;

pub use reports::EventReports;

/// What this file adds to the description of the API.
#[derive(OpenApi)]
#[openapi(
    paths(report),
    components(schemas(EventBody, EventsBody, ContactBody, EventResult, EventResults))
)]
pub(super) struct EventsApi;

/// Mounts `/events`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/events").post(report));
}

/// Characters of a date without a time.
const MAX_DAY: usize = 10;
const EXAMPLE: &str = "{\"name\": \"order_completed\", \"contact\": {\"phone\": \"+14155550123\"}, \"properties\": {}}";

/// A report of what a contact did.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
struct EventBody {
    /// Your own id, up to 200 characters: the same id again is accepted and does nothing.
    id: Option<String>,
    /// What happened, up to 120 characters.
    #[schema(example = "order_completed")]
    name: String,
    contact: ContactBody,
    /// Details for conditions and templates, up to 32 kB.
    #[schema(value_type = Option<Object>)]
    properties: Option<Value>,
    /// When it happened; now unless told otherwise. RFC 3339 (also with `+0200` or without
    /// seconds), RFC 2822, a date alone (its beginning in the organization's time zone), or a
    /// number of seconds, milliseconds or microseconds since 1970, from 1900 to 2200.
    #[schema(value_type = Option<String>, example = "2026-11-21T10:00:00Z")]
    occurred_at: Option<Value>,
}

/// Who did it: exactly one of the three.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
struct ContactBody {
    /// The id of a contact here.
    id: Option<String>,
    /// A phone number; an unknown one becomes a contact.
    phone: Option<String>,
    /// The contact's id in your system.
    external_id: Option<String>,
}

/// Several reports, at most 1,000.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
struct EventsBody {
    events: Vec<EventBody>,
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
struct EventResult {
    /// Its place in the request; only in the answer to several.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// `recorded`, `repeat` or, among several, `error`.
    status: &'static str,
    /// Why it started nothing, though it was recorded: `too_old` (`occurred_at` is over 24 hours
    /// ago; only triggers whose `max_age_seconds` allows it started) or `in_future` (over 5 minutes
    /// ahead). Left out of an event that happened lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Option<&'static str>,
    /// The event; of a repeat, the one that was recorded first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<EventId>,
    /// How many automations it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollments: Option<usize>,
    /// What is doubtful about it although it was recorded, such as a phone number that is not
    /// valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// Why it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EventError>,
}

/// Why one of several reports was not recorded.
#[derive(Debug, Serialize, ToSchema)]
struct EventError {
    code: &'static str,
    message: &'static str,
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    fields: FieldErrors,
}

/// What became of several reports, in their order.
#[derive(Debug, Serialize, ToSchema)]
struct EventResults {
    results: Vec<EventResult>,
}

/// Records an event, or up to 1,000, and starts the automations that wait for it.
///
/// Of several, each is answered for itself: those in error do not hold up the others.
#[utoipa::path(post, path = "/events", request_body(
    content = EventBody,
    description = "One event, or `{\"events\": […]}` with up to 1,000 (`EventsBody`)"
),
    responses((status = 202, description = "The event's result; of several, `EventResults`", body = EventResult), (status = 422)))]
async fn report(
    caller: Caller<Marketer>,
    reports: Data<EventReports>,
    body: JsonFields,
) -> ApiResult<HttpResponse> {
    match several(&body.0)? {
        Some(events) => report_several(&caller, &reports, events).await,
        None => report_single(&caller, &reports, &body.0).await,
    }
}

async fn report_single(
    caller: &Caller<Marketer>,
    reports: &EventReports,
    event: &Value,
) -> ApiResult<HttpResponse> {
    let defaults = defaults(caller, std::slice::from_ref(event)).await?;
    let (report, remarks) = read(event, defaults).map_err(ApiError::invalid)?.split(caller.now());
    match reports.submit(report).await? {
        (RecordOutcome::Refused(fields), _) => Err(ApiError::invalid(fields)),
        answer => Ok(HttpResponse::Accepted().json(EventResult::of(answer, remarks))),
    }
}

async fn report_several(
    caller: &Caller<Marketer>,
    reporting: &EventReports,
    events: &[Value],
) -> ApiResult<HttpResponse> {
    let defaults = defaults(caller, events).await?;
    let now = caller.now();
    let (mut reports, mut readings) =
        (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
    for event in events {
        match read(event, defaults) {
            Ok(report) => {
                let (report, remarks) = report.split(now);
                readings.push(Ok(remarks));
                reports.push(report);
            }
            Err(fields) => readings.push(Err(fields)),
        }
    }
    let answers = reporting.submit_list(reports).await?;
    Ok(HttpResponse::Accepted().json(EventResults { results: results(readings, answers) }))
}

/// What is read with the settings of the organization: national numbers, and dates without a time.
#[derive(Debug, Clone, Copy)]
struct Defaults {
    country: Option<Country>,
    zone: Tz,
}

/// Not asked for when every number has its country code, and every date its time, as most have.
async fn defaults(caller: &Caller<Marketer>, events: &[Value]) -> ApiResult<Defaults> {
    let phone = |event: &Value| {
        event
            .pointer("/contact/phone")
            .and_then(Value::as_str)
            .is_some_and(|phone| !phone.trim().starts_with('+'))
    };
    let day = |event: &Value| {
        event
            .get("occurred_at")
            .and_then(Value::as_str)
            .is_some_and(|at| at.trim().len() <= MAX_DAY)
    };
    if events.iter().any(|event| phone(event) || day(event)) {
        let organization = organization::find(&*caller.conn().await?).await?;
        return Ok(Defaults {
            country: organization.default_country,
            zone: organization.time_zone,
        });
    }
    Ok(Defaults { country: None, zone: Tz::UTC })
}

/// The reports of a body that has several.
fn several(body: &Value) -> ApiResult<Option<&[Value]>> {
    let Some(events) = body.get("events") else { return Ok(None) };
    let mut errors = FieldErrors::default();
    if let Some(mut reader) = ObjectReader::open("", body, EXAMPLE, &mut errors) {
        reader.only(&["events"]);
    }
    match events {
        Value::Array(events) if events.len() <= MAX_EVENTS && errors.is_empty() => {
            return Ok(Some(events));
        }
        Value::Array(events) if events.len() > MAX_EVENTS => {
            let nothing = format!("These are {}; none was recorded.", events.len());
            errors
                .add("events", Mistake::TooMany(MAX_EVENTS, "events at once").with_hint(&nothing));
        }
        Value::Array(_) => {}
        _ => errors.add("events", Mistake::WrongType("a list")),
    }
    Err(ApiError::invalid(errors))
}

/// An event that was read.
#[derive(Debug)]
struct Report {
    event: NewEvent,
    /// That its phone number is not valid. It is taken nevertheless, since numbering plans grow
    /// faster than what is known of them.
    warning: Option<String>,
}

/// What an answer says of a report besides what became of it.
#[derive(Debug)]
struct Remarks {
    timing: Timing,
    warning: Option<String>,
}

impl Report {
    fn split(self, now: DateTime<Utc>) -> (NewEvent, Remarks) {
        let timing = self
            .event
            .occurred_at
            .map_or(Timing::Recent, |occurred_at| Timing::of(occurred_at, now));
        (self.event, Remarks { timing, warning: self.warning })
    }
}

fn read(value: &Value, defaults: Defaults) -> Result<Report, FieldErrors> {
    let mut errors = FieldErrors::default();
    let event = read_fields(value, defaults, &mut errors);
    match event {
        Some(event) if errors.is_empty() => Ok(event),
        _ => Err(errors),
    }
}

fn read_fields(value: &Value, defaults: Defaults, errors: &mut FieldErrors) -> Option<Report> {
    let mut reader = ObjectReader::open("", value, EXAMPLE, errors)?;
    reader.only(&["id", "name", "contact", "properties", "occurred_at"]);
    let client_id = reader.text("id", ClientId::parse);
    let name = reader.required_text("name", EventName::parse);
    let occurred_at = read_time(&mut reader, "occurred_at", defaults.zone);
    let properties = match reader.value("properties") {
        None => Some(Properties::default()),
        Some(Value::Object(object)) => check_properties(&mut reader, object),
        Some(_) => {
            reader.wrong("properties", Mistake::WrongType("an object"));
            None
        }
    };
    let contact = read_contact(&mut reader, defaults.country);
    let (contact, warning) = contact?;
    Some(Report {
        event: NewEvent { client_id, name: name?, contact, properties: properties?, occurred_at },
        warning,
    })
}

/// A date or time in any form that templates and conditions read too; blank text is as good as
/// none.
fn read_time(reader: &mut ObjectReader<'_, '_>, field: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let no_time = |error| format!("This cannot be the time of an event: {error}.");
    let moment = match reader.value(field)? {
        Value::String(_) => reader.text(field, |text| Moment::parse(text).map_err(no_time)),
        value => reader.errors().check(field, Moment::of_json(value).map_err(no_time)),
    };
    moment.map(|moment| moment.instant_in(zone).to_utc())
}

fn check_properties(
    reader: &mut ObjectReader<'_, '_>,
    object: &Map<String, Value>,
) -> Option<Properties> {
    Properties::parse(object.clone()).map_err(|message| reader.wrong("properties", message)).ok()
}

/// Who did it, and what is doubtful about the number.
fn read_contact(
    event: &mut ObjectReader<'_, '_>,
    country: Option<Country>,
) -> Option<(ContactRef, Option<String>)> {
    let Some(contact) = event.value("contact") else {
        event.wrong(
            "contact",
            Mistake::Missing.with_hint("Name the contact by id, phone or external_id."),
        );
        return None;
    };
    let mut reader =
        ObjectReader::open("contact", contact, "{\"phone\": \"+14155550123\"}", event.errors())?;
    reader.only(&["id", "phone", "external_id"]);
    let named = ["id", "phone", "external_id"]
        .into_iter()
        .filter(|field| reader.value(field).is_some())
        .count();
    if named != 1 {
        reader
            .errors()
            .add("contact", "Name the contact by exactly one of id, phone and external_id.");
        return None;
    }
    let id = reader.text("id", |text| mistake::id(text, "contact"));
    let phone = reader.text("phone", |text| PhoneNumber::parse_and_judge(text, country));
    let warning =
        phone.as_ref().filter(|phone| !phone.is_valid).and_then(|phone| phone.number.warning());
    let external_id = reader.text("external_id", ExternalId::parse);
    let named = id
        .map(ContactRef::Id)
        .or(phone.map(|phone| ContactRef::Phone(phone.number)))
        .or(external_id.map(ContactRef::ExternalId));
    if named.is_none() && !event.errors().iter().any(|(field, _)| field.starts_with("contact")) {
        event.wrong("contact", "Name the contact by id, phone or external_id; it is empty.");
    }
    named.map(|named| (named, warning))
}

/// Puts the answers for what could be read between the errors of what could not.
fn results(readings: Vec<Result<Remarks, FieldErrors>>, answers: Vec<Answer>) -> Vec<EventResult> {
    let mut answers = answers.into_iter();
    let result = |reading: Result<Remarks, FieldErrors>| match reading {
        Err(fields) => EventResult::error(fields),
        Ok(remarks) => answers.next().map_or_else(
            || EventResult::error(FieldErrors::default()),
            |answer| EventResult::of(answer, remarks),
        ),
    };
    let mut results: Vec<EventResult> = readings.into_iter().map(result).collect();
    for (index, result) in results.iter_mut().enumerate() {
        result.index = Some(index);
    }
    results
}

impl EventResult {
    fn of((recorded, started): Answer, remarks: Remarks) -> Self {
        let timing = match remarks.timing {
            Timing::Recent => None,
            Timing::TooOld => Some("too_old"),
            Timing::InFuture => Some("in_future"),
        };
        let warning = remarks.warning;
        let stored = |status, id| Self {
            index: None,
            status,
            timing: None,
            id: Some(id),
            enrollments: Some(started),
            warning,
            error: None,
        };
        match recorded {
            RecordOutcome::New(id) => Self { timing, ..stored("recorded", id) },
            RecordOutcome::Repeat(id) => stored("repeat", id),
            RecordOutcome::Refused(fields) => Self::error(fields),
        }
    }

    const fn error(fields: FieldErrors) -> Self {
        let message = "Some fields cannot be accepted; `fields` says which and why.";
        let error = EventError { code: "invalid_fields", message, fields };
        Self {
            index: None,
            status: "error",
            timing: None,
            id: None,
            enrollments: None,
            warning: None,
            error: Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
