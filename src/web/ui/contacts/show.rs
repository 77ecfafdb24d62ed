//! The page of a contact: details, whether the number may be texted and why not, and the timeline.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timeline::{self, TimelineLine};
use crate::clock::FAR_FUTURE;
use crate::consent::{Reason, Suppression, record, suppression};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::http::access::Access;
use crate::web::ui::messages::status_updates_path;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

/// The largest number of timeline entries per page.
const MAX_ENTRIES: usize = 100;
/// The largest number of consent records on the page.
const MAX_EVIDENCE: i64 = 20;
/// The largest number of tags suggested while typing.
const MAX_SUGGESTIONS: i64 = 200;

/// The page of a contact.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactShowPage {
    id: ContactId,
    title: String,
    name: Option<String>,
    phone: PhoneNumber,
    country: Option<&'static str>,
    /// A sentence about a problem with the number.
    phone_warning: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
    attributes: Vec<Attribute>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tags: Vec<TagName>,
    suggestions: Vec<TagName>,
    suppressions: Vec<ActiveSuppression>,
    held: SuppressionKinds,
    evidence: Vec<Evidence>,
    timeline: Vec<TimelineLine>,
    /// The path of the live updates of its messages.
    live: Option<String>,
    /// The path of the page with earlier entries, if there are any.
    older: Option<String>,
    /// Whether the timeline does not start with the newest entry.
    is_past: bool,
    /// The input of a form that was rejected.
    typed: FormInput,
    errors: FieldErrors,
}

/// The input of the forms of the page.
#[derive(Debug, Default, Serialize)]
pub(super) struct FormInput {
    pub(super) tag: String,
    pub(super) suppress_note: String,
    pub(super) lift_note: String,
    pub(super) stop_note: String,
    pub(super) undo_note: String,
}

/// A custom attribute.
#[derive(Debug, Serialize)]
struct Attribute {
    name: String,
    value: Value,
}

/// Which kinds of suppression are active.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "several may hold at once, and the page says something of each"
)]
struct SuppressionKinds {
    /// The contact opted out, by keyword or as known to Twilio.
    opted_out: bool,
    /// An opt-out was detected in the contact's words.
    read: bool,
    /// A user suppressed the number, or the network does not deliver to it.
    by_us: bool,
    /// A user suppressed the number.
    by_hand: bool,
}

/// An active suppression.
#[derive(Debug, Serialize)]
struct ActiveSuppression {
    label: &'static str,
    meaning: &'static str,
    since: DateTime<Utc>,
}

/// The evidence of a change of consent.
#[derive(Debug, Serialize)]
struct Evidence {
    words: String,
    at: DateTime<Utc>,
    link: Option<String>,
}

/// The query of the page: the part of the timeline.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContactShowQuery {
    /// The time of the newest entry, in microseconds since the Unix epoch.
    until: Option<i64>,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<ContactId>,
    query: Query<ContactShowQuery>,
) -> PageResult {
    let until = query
        .until
        .and_then(DateTime::from_timestamp_micros)
        .filter(|until| (DateTime::UNIX_EPOCH..FAR_FUTURE).contains(until));
    let page = ContactShowPage::load(&mut *visit.conn().await?, *id, until, FieldErrors::default())
        .await?;
    visit.page(&page)
}

/// Shows the page again, with the input of one of its forms and its errors.
pub(super) async fn show_with_errors<R: Access>(
    visit: Visit<R>,
    id: ContactId,
    typed: FormInput,
    errors: FieldErrors,
) -> PageResult {
    let page = ContactShowPage::load(&mut *visit.conn().await?, id, None, errors).await?;
    visit.invalid(&ContactShowPage { typed, ..page })
}

impl ContactShowPage {
    async fn load(
        conn: &mut Conn,
        id: ContactId,
        until: Option<DateTime<Utc>>,
        errors: FieldErrors,
    ) -> Result<Self> {
        let contact = contacts::find(conn, id).await?;
        let tags = tags::of(conn, id).await?;
        let active = suppression::all_active(conn, &contact.phone).await?;
        let evidence = record::of_number(conn, &contact.phone, MAX_EVIDENCE).await?;
        let evidence = evidence.iter().map(|record| Evidence {
            words: record.sentence(),
            at: record.recorded_at,
            link: timeline::evidence(record),
        });
        let past =
            contacts::timeline::load(conn, &contact, until.unwrap_or(FAR_FUTURE), MAX_ENTRIES)
                .await?;
        let timeline: Vec<TimelineLine> = past.entries.into_iter().map(TimelineLine::new).collect();
        let suggestions = tags::list(conn, MAX_SUGGESTIONS).await?;
        let page = Self {
            suggestions: suggestions.into_iter().filter(|tag| !tags.contains(tag)).collect(),
            evidence: evidence.collect(),
            older: past
                .older
                .map(|until| format!("/contacts/{id}?until={}#timeline", until.timestamp_micros())),
            is_past: until.is_some(),
            live: status_updates_path(timeline.iter().filter_map(|line| line.under_way)),
            timeline,
            errors,
            ..Self::bare(contact, tags, &active)
        };
        Ok(page)
    }

    fn bare(contact: Contact, tags: Vec<TagName>, active: &[Suppression]) -> Self {
        Self {
            id: contact.id,
            title: contact.label(),
            name: contact.full_name(),
            country: contact.phone.country().map(Country::name),
            phone_warning: contact.phone.warning(),
            phone: contact.phone,
            email: contact.email,
            external_id: contact.external_id,
            attributes: Attribute::all(contact.attributes),
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            tags,
            suggestions: Vec::new(),
            suppressions: active.iter().map(ActiveSuppression::of).collect(),
            held: SuppressionKinds {
                opted_out: active
                    .iter()
                    .any(|suppression| suppression.reason.is_opt_out() && !suppression.by_wording),
                read: active.iter().any(|suppression| suppression.by_wording),
                by_us: active.iter().any(|suppression| !suppression.reason.is_opt_out()),
                by_hand: active.iter().any(|suppression| suppression.reason == Reason::Manual),
            },
            evidence: Vec::new(),
            timeline: Vec::new(),
            live: None,
            older: None,
            is_past: false,
            typed: FormInput::default(),
            errors: FieldErrors::default(),
        }
    }
}

impl Attribute {
    /// Sorts the attributes by name, since templates iterate over objects in no particular order.
    fn all(attributes: Value) -> Vec<Self> {
        let Value::Object(attributes) = attributes else { return Vec::new() };
        let mut all: Vec<_> =
            attributes.into_iter().map(|(name, value)| Self { name, value }).collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }
}

impl ActiveSuppression {
    fn of(suppression: &Suppression) -> Self {
        Self {
            label: suppression.label(),
            meaning: suppression.meaning(),
            since: suppression.since,
        }
    }
}

impl Page for ContactShowPage {
    const TEMPLATE: &'static str = "ui/contacts/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
