//! The page of a contact: the conversation with a box to send a message, and beside it whether the
//! number may be texted, tags, consent, automations and attributes.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::composer::Composer;
use super::composer_form::{self, ComposerForm};
use super::facts::{
    ActiveSuppression, AttributeLines, EnrollmentLine, EvidenceLine, SuppressionKinds,
};
use super::timeline::{self, TimelineDay, TimelineLine};
use crate::automations;
use crate::clock::FAR_FUTURE;
use crate::consent::{Suppression, record, suppression};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::types::country::Country;
use crate::types::id::{ContactId, MessageId};
use crate::types::phone::PhoneNumber;
use crate::web::http::access::Access;
use crate::web::ui::messages::conversation_updates_path;
use crate::web::{Marketer, Page, PageError, PageResult, Query, Viewer, Visit};

/// The largest number of timeline entries per page.
const MAX_ENTRIES: usize = 100;
/// The largest number of consent records on the page.
const MAX_EVIDENCE: i64 = 20;
/// The largest number of enrollments on the page.
const MAX_ENROLLMENTS: i64 = 30;
/// The largest number of tags suggested while typing.
const MAX_SUGGESTIONS: i64 = 200;

/// The page of a contact.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactShowPage {
    id: ContactId,
    title: String,
    name: Option<String>,
    /// The first letters of the names.
    initials: Option<String>,
    phone: PhoneNumber,
    country: Option<&'static str>,
    /// A sentence about a problem with the number.
    phone_warning: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
    attributes: AttributeLines,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tags: Vec<TagName>,
    suggestions: Vec<TagName>,
    suppressions: Vec<ActiveSuppression>,
    held: SuppressionKinds,
    evidence: Vec<EvidenceLine>,
    enrollments: Vec<EnrollmentLine>,
    days: Vec<TimelineDay>,
    /// The numbers of sent and received messages, if the timeline is complete.
    message_counts: Option<(usize, usize)>,
    /// The path of the live updates of its messages.
    live: Option<String>,
    /// The path of the page with earlier entries, if there are any.
    older: Option<String>,
    /// Whether the timeline does not end with the newest entry.
    is_past: bool,
    /// The box that sends a message; none if nothing can be sent.
    composer: Option<Composer>,
    /// The input of a form that was rejected.
    typed: FormInput,
    errors: FieldErrors,
    /// Whether phones show the facts first, because a form there was rejected.
    facts_first: bool,
}

/// The input of the forms of the page.
#[derive(Debug, Default, Serialize)]
pub(super) struct FormInput {
    pub(super) tag: String,
    pub(super) suppress_note: String,
    pub(super) lift_note: String,
    pub(super) stop_note: String,
    pub(super) undo_note: String,
    pub(super) message: ComposerForm,
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
    let page = ContactShowPage::load(&visit, *id, until, FormInput::default()).await?;
    visit.page(&page)
}

/// Shows the page again, with the input of one of its forms and its errors.
pub(super) async fn show_with_errors<R: Access>(
    visit: Visit<R>,
    id: ContactId,
    typed: FormInput,
    errors: FieldErrors,
) -> PageResult {
    let page = ContactShowPage::load(&visit, id, None, typed).await?;
    let facts_first = !composer_form::has_errors(&errors);
    visit.invalid(&ContactShowPage { errors, facts_first, ..page })
}

/// Shows the page with the preview of a message, for browsers without scripts.
pub(super) async fn show_preview(
    visit: Visit<Marketer>,
    id: ContactId,
    message: ComposerForm,
) -> PageResult {
    let typed = FormInput { message, ..FormInput::default() };
    let page = ContactShowPage::load(&visit, id, None, typed).await?;
    visit.page(&page)
}

/// The path of the facts on the page of a contact, which phones show instead of the conversation.
pub(super) fn facts_path(id: ContactId) -> String {
    format!("/contacts/{id}#facts")
}

impl ContactShowPage {
    async fn load<R: Access>(
        visit: &Visit<R>,
        id: ContactId,
        until: Option<DateTime<Utc>>,
        typed: FormInput,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        // One snapshot: a STOP that arrives meanwhile is in the conversation and in the facts.
        let mut snapshot = conn.build_transaction().repeatable_read().read_only();
        snapshot.run(async |conn| Self::read(visit, conn, id, until, typed).await).await
    }

    async fn read<R: Access>(
        visit: &Visit<R>,
        conn: &mut Conn,
        id: ContactId,
        until: Option<DateTime<Utc>>,
        typed: FormInput,
    ) -> Result<Self, PageError> {
        let (now, can_edit) = (visit.now(), visit.layout().can_edit);
        let contact = contacts::find(conn, id).await?;
        let tags = tags::of(conn, id).await?;
        let active = suppression::all_active(conn, &contact.phone).await?;
        let evidence = record::of_number(conn, &contact.phone, MAX_EVIDENCE).await?;
        let enrollments = automations::enrollments_of_contact(conn, id, MAX_ENROLLMENTS).await?;
        let newest = until.unwrap_or(FAR_FUTURE);
        let past = contacts::timeline::load(conn, &contact, newest, MAX_ENTRIES).await?;
        let lines: Vec<TimelineLine> = past.entries.into_iter().map(TimelineLine::new).collect();
        let suggestions = tags::list(conn, MAX_SUGGESTIONS).await?;
        let composer = if can_edit && active.is_empty() {
            let known = lines.iter().find_map(|line| line.sender_id);
            let (renderer, organization) = (&visit.context.renderer, &visit.organization);
            let form = typed.message.clone();
            Composer::load(conn, &contact, form, known, renderer, organization).await?
        } else {
            None
        };
        let is_complete = past.older.is_none() && until.is_none();
        let page = Self {
            suggestions: suggestions.into_iter().filter(|tag| !tags.contains(tag)).collect(),
            evidence: evidence.iter().map(EvidenceLine::of).collect(),
            enrollments: EnrollmentLine::all(enrollments, now),
            older: past
                .older
                .map(|until| format!("/contacts/{id}?until={}", until.timestamp_micros())),
            is_past: until.is_some(),
            message_counts: is_complete.then(|| timeline::message_counts(&lines)),
            live: live_path(id, &lines, until.is_none().then_some(now)),
            days: timeline::days(lines, visit.zone(), now),
            composer,
            typed,
            ..Self::bare(contact, tags, &active)
        };
        Ok(page)
    }

    fn bare(contact: Contact, tags: Vec<TagName>, active: &[Suppression]) -> Self {
        Self {
            id: contact.id,
            title: contact.label(),
            name: contact.full_name(),
            initials: initials(&contact),
            country: contact.phone.country().map(Country::name),
            phone_warning: contact.phone.warning(),
            phone: contact.phone,
            email: contact.email,
            external_id: contact.external_id,
            attributes: AttributeLines::of(contact.attributes),
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            tags,
            suggestions: Vec::new(),
            suppressions: active.iter().map(ActiveSuppression::of).collect(),
            held: SuppressionKinds::of(active),
            evidence: Vec::new(),
            enrollments: Vec::new(),
            days: Vec::new(),
            message_counts: None,
            live: None,
            older: None,
            is_past: false,
            composer: None,
            typed: FormInput::default(),
            errors: FieldErrors::default(),
            facts_first: false,
        }
    }
}

/// The path of the live updates of these lines; with the time of the page, if it ends with the
/// newest entry, they announce messages that are newer.
fn live_path(id: ContactId, lines: &[TimelineLine], now: Option<DateTime<Utc>>) -> Option<String> {
    let newest = lines.iter().filter_map(|line| line.message_id).max();
    let after = now.map(|now| newest.unwrap_or_else(|| MessageId::first_at(now)));
    conversation_updates_path(id, lines.iter().filter_map(|line| line.pending_message_id), after)
}

/// The first letters of a contact's names, if it has any.
fn initials(contact: &Contact) -> Option<String> {
    let names = [&contact.first_name, &contact.last_name].into_iter().flatten();
    let letters: String = names
        .filter_map(|name| name.chars().find(|letter| letter.is_alphanumeric()))
        .flat_map(char::to_uppercase)
        .collect();
    Some(letters).filter(|letters| !letters.is_empty())
}

impl Page for ContactShowPage {
    const TEMPLATE: &'static str = "ui/contacts/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
