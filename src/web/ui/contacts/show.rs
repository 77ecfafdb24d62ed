//! The page of a contact: who they are, whether they may be texted and why not, and what has
//! happened.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timeline::{self, TimelineLine};
use crate::clock::EVER;
use crate::consent::{Reason, Suppression, record, suppression};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::http::access::Access;
use crate::web::ui::messages::live_path;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

/// As much of the past as one page shows.
const TIMELINE: usize = 100;
const EVIDENCE: i64 = 20;
/// Tags offered while typing.
const SUGGESTIONS: i64 = 200;

/// The page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactShowPage {
    id: ContactId,
    title: String,
    name: Option<String>,
    phone: PhoneNumber,
    country: Option<&'static str>,
    /// What is wrong with the number.
    phone_warning: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
    attributes: Vec<Attribute>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tags: Vec<TagName>,
    suggestions: Vec<TagName>,
    suppressions: Vec<Hold>,
    held: Held,
    evidence: Vec<Evidence>,
    timeline: Vec<TimelineLine>,
    /// What tells of changes of the messages in it.
    live: Option<String>,
    /// The page with what happened before, if anything did.
    older: Option<String>,
    /// Whether this is not the newest part.
    is_past: bool,
    /// What was typed into a form that could not be accepted.
    typed: Typed,
    errors: FieldErrors,
}

/// What is typed into the forms of the page.
#[derive(Debug, Default, Serialize)]
pub(super) struct Typed {
    pub(super) tag: String,
    pub(super) suppress_note: String,
    pub(super) lift_note: String,
    pub(super) stop_note: String,
    pub(super) undo_note: String,
}

/// A named value.
#[derive(Debug, Serialize)]
struct Attribute {
    name: String,
    value: Value,
}

/// By whose will the number is not texted.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "several may hold at once, and the page says something of each"
)]
struct Held {
    /// By the person's own, said by keyword or known to Twilio.
    opted_out: bool,
    /// By the person's own, as their words were read.
    read: bool,
    /// By ours, or because of the network.
    by_us: bool,
    /// By ours.
    by_hand: bool,
}

/// A reason why the number may not be texted.
#[derive(Debug, Serialize)]
struct Hold {
    label: &'static str,
    meaning: &'static str,
    since: DateTime<Utc>,
}

/// What proves a change of consent.
#[derive(Debug, Serialize)]
struct Evidence {
    words: String,
    at: DateTime<Utc>,
    link: Option<String>,
}

/// Which part of the past is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContactShowQuery {
    /// Only what happened until then, in microseconds since 1970.
    until: Option<i64>,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<ContactId>,
    wanted: Query<ContactShowQuery>,
) -> PageResult {
    let until = wanted
        .until
        .and_then(DateTime::from_timestamp_micros)
        .filter(|until| (DateTime::UNIX_EPOCH..EVER).contains(until));
    let page = ContactShowPage::load(&mut *visit.conn().await?, *id, until, FieldErrors::default())
        .await?;
    visit.page(&page)
}

/// The page once more, with what was typed into one of its forms and what is wrong with it.
pub(super) async fn again<R: Access>(
    visit: Visit<R>,
    id: ContactId,
    typed: Typed,
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
        let evidence = record::of(conn, &contact.phone, EVIDENCE).await?;
        let evidence = evidence.iter().map(|record| Evidence {
            words: record.words(),
            at: record.recorded_at,
            link: timeline::evidence(record),
        });
        let past = contacts::timeline::of(conn, &contact, until.unwrap_or(EVER), TIMELINE).await?;
        let timeline: Vec<TimelineLine> = past.entries.into_iter().map(TimelineLine::new).collect();
        let suggestions = tags::list(conn, SUGGESTIONS).await?;
        let page = Self {
            suggestions: suggestions.into_iter().filter(|tag| !tags.contains(tag)).collect(),
            evidence: evidence.collect(),
            older: past
                .older
                .map(|until| format!("/contacts/{id}?until={}#timeline", until.timestamp_micros())),
            is_past: until.is_some(),
            live: live_path(timeline.iter().filter_map(|line| line.under_way)),
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
            suppressions: active.iter().map(Hold::of).collect(),
            held: Held {
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
            typed: Typed::default(),
            errors: FieldErrors::default(),
        }
    }
}

impl Attribute {
    /// By name: templates show objects in no particular order.
    fn all(attributes: Value) -> Vec<Self> {
        let Value::Object(attributes) = attributes else { return Vec::new() };
        let mut all: Vec<_> =
            attributes.into_iter().map(|(name, value)| Self { name, value }).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }
}

impl Hold {
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
