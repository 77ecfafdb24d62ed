//! Events in requests to the API, and their parsing.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::response::Remarks;
use crate::contacts::ExternalId;
use crate::error::FieldErrors;
use crate::events::{ClientId, ContactRef, EventName, MAX_EVENTS, NewEvent, Properties, Recency};
use crate::types::country::Country;
use crate::types::date_or_time::DateOrTime;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::{self, Mistake};
use crate::types::phone::PhoneNumber;
use crate::users::organization;
use crate::web::Marketer;
use crate::web::api::{ApiError, ApiResult, Caller};

/// The length of a date without a time, in characters.
const MAX_DATE_LENGTH: usize = 10;
const EXAMPLE: &str = "{\"name\": \"order_completed\", \"contact\": {\"phone\": \"+14155550123\"}, \"properties\": {}}";

/// An event: what a contact did.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
pub(super) struct EventBody {
    /// Your own id for the event, up to 200 characters. An event whose id was reported before is
    /// accepted and has no effect.
    id: Option<String>,
    /// What happened, up to 120 characters.
    #[schema(example = "order_completed")]
    name: String,
    contact: ContactBody,
    /// Details for conditions and templates, up to 32 kB.
    #[schema(value_type = Option<Object>)]
    properties: Option<Value>,
    /// When it happened; now by default. RFC 3339 (also with `+0200` or without seconds), RFC 2822,
    /// a date alone (its beginning in the organization's time zone), or a number of seconds,
    /// milliseconds or microseconds since 1970, from 1900 to 2200.
    #[schema(value_type = Option<String>, example = "2026-11-21T10:00:00Z")]
    occurred_at: Option<Value>,
}

/// The contact, by exactly one of the three.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
pub(super) struct ContactBody {
    /// The contact's id in Carillon.
    id: Option<String>,
    /// A phone number; an unknown one creates a contact.
    phone: Option<String>,
    /// The contact's id in your system.
    external_id: Option<String>,
}

/// Several events, at most 1,000.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the body, which is read field by field for the sake of its errors"
)]
pub(super) struct EventsBody {
    events: Vec<EventBody>,
}

/// The organization's settings for parsing national numbers, and dates without a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    pub(super) country: Option<Country>,
    pub(super) zone: Tz,
}

/// Queries the organization's settings only if a number lacks its country code, or a date its time;
/// most requests have both.
pub(super) async fn defaults(caller: &Caller<Marketer>, events: &[Value]) -> ApiResult<Defaults> {
    let is_national = |event: &Value| {
        event
            .get("contact")
            .and_then(|contact| contact.get("phone")?.as_str())
            .is_some_and(|phone| !phone.trim().starts_with('+'))
    };
    let is_date = |event: &Value| {
        event
            .get("occurred_at")
            .and_then(Value::as_str)
            .is_some_and(|at| at.trim().len() <= MAX_DATE_LENGTH)
    };
    if events.iter().any(|event| is_national(event) || is_date(event)) {
        let organization = organization::find(&*caller.conn().await?).await?;
        return Ok(Defaults {
            country: organization.default_country,
            zone: organization.time_zone,
        });
    }
    Ok(Defaults { country: None, zone: Tz::UTC })
}

/// The events of a body that has several; `None` if it is a single event.
pub(super) fn several(body: &Value) -> ApiResult<Option<&[Value]>> {
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
            let nothing = format!("Nothing was recorded, since these are {}.", events.len());
            errors
                .add("events", Mistake::TooMany(MAX_EVENTS, "events at once").with_hint(&nothing));
        }
        Value::Array(_) => {}
        _ => errors.add("events", Mistake::WrongType("a list")),
    }
    Err(ApiError::invalid(errors))
}

/// A parsed event.
#[derive(Debug)]
pub(super) struct ParsedEvent {
    pub(super) event: NewEvent,
    /// A warning that the phone number is not valid. The event is accepted nevertheless, since
    /// numbering plans grow faster than our knowledge of them.
    pub(super) warning: Option<String>,
}

impl ParsedEvent {
    /// Returns the event and the remarks on it.
    pub(super) fn split(self, now: DateTime<Utc>) -> (NewEvent, Remarks) {
        let timing = self
            .event
            .occurred_at
            .map_or(Recency::Recent, |occurred_at| Recency::of(occurred_at, now));
        (self.event, Remarks { timing, warning: self.warning })
    }
}

/// Parses one event.
pub(super) fn read(value: &Value, defaults: Defaults) -> Result<ParsedEvent, FieldErrors> {
    let mut errors = FieldErrors::default();
    let event = read_fields(value, defaults, &mut errors);
    match event {
        Some(event) if errors.is_empty() => Ok(event),
        _ => Err(errors),
    }
}

fn read_fields(value: &Value, defaults: Defaults, errors: &mut FieldErrors) -> Option<ParsedEvent> {
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
    Some(ParsedEvent {
        event: NewEvent {
            client_id,
            name: name?,
            contact,
            properties: properties?,
            occurred_at,
            source_id: None,
        },
        warning,
    })
}

/// Parses a date or time in any form that templates and conditions accept; a blank text counts as
/// absent.
fn read_time(reader: &mut ObjectReader<'_, '_>, field: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let no_time = |error| format!("Not the time of an event: {error}.");
    let time = match reader.value(field)? {
        Value::String(_) => reader.text(field, |text| DateOrTime::parse(text).map_err(no_time)),
        value => reader.errors().check(field, DateOrTime::of_json(value).map_err(no_time)),
    };
    time.map(|time| time.instant_in(zone).to_utc())
}

fn check_properties(
    reader: &mut ObjectReader<'_, '_>,
    object: &Map<String, Value>,
) -> Option<Properties> {
    Properties::parse(object.clone()).map_err(|message| reader.wrong("properties", message)).ok()
}

/// Parses the contact, with a warning about its number.
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
    let phone = reader.text("phone", |text| PhoneNumber::parse_with_validity(text, country));
    let warning =
        phone.as_ref().filter(|phone| !phone.is_valid).and_then(|phone| phone.number.warning());
    let external_id = reader.text("external_id", ExternalId::parse);
    let named = id
        .map(ContactRef::Id)
        .or(phone.map(|phone| ContactRef::Phone(phone.number)))
        .or(external_id.map(ContactRef::ExternalId));
    if named.is_none() && !event.errors().iter().any(|(field, _)| field.starts_with("contact")) {
        event.wrong("contact", "Name the contact by id, phone or external_id. This one is empty.");
    }
    named.map(|named| (named, warning))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
