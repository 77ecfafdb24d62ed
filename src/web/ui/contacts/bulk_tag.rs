//! Adding or removing a tag on many contacts at once: the chosen ones, or all that match the list's
//! filter. A page first asks to confirm their number.

use actix_web::http::StatusCode;
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::list::parse_tag_filter;
use crate::automations::{self, Trigger, consequences};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, ContactChange, ContactFilter, Position};
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::users::audit::{self, AuditKind};
use crate::web::http::bulk_conditions;
use crate::web::quantities::counted;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};

/// The largest number of contacts per request.
const MAX: usize = 20_000;
/// The number of contacts per transaction.
const CHUNK: usize = 500;
/// The largest number of contacts that *Undo* covers: their ids have to fit into a cookie.
const MAX_UNDONE: usize = 40;

const NONE_CHOSEN: &str = "No contacts chosen. Choose rows in the list, or all that match.";

/// The requested change and its contacts, as submitted.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct BulkTagForm {
    /// The change: `add` or `remove`.
    action: String,
    name: String,
    /// Whether all contacts that match the filter are meant, instead of the chosen ones.
    all: bool,
    q: String,
    tag: String,
    /// The keyset position at which the next request continues.
    from: Option<ContactId>,
    ids: Vec<ContactId>,
}

/// The page that asks to confirm the change.
#[derive(Debug, Serialize)]
pub(in crate::web) struct BulkTagPage {
    wish: BulkTagForm,
    removes: bool,
    back: String,
    count: usize,
    /// Whether there are more contacts than one request covers.
    more: bool,
    /// The number that the page shows, which the form sends back.
    expected: usize,
    /// A sentence on how the number has changed since the page was shown.
    changed: Option<String>,
    /// The names of the automations that adding the tag starts.
    starts: Vec<String>,
    errors: FieldErrors,
}

pub(super) async fn show(
    visit: Visit<Marketer>,
    fields: Query<Vec<(String, String)>>,
) -> PageResult {
    let request = BulkTagForm::read(fields.into_inner());
    let mut conn = visit.conn().await?;
    let found = request.count(&mut conn, visit.organization.default_country).await?;
    if found == 0 {
        return visit.redirect(request.back()).warning(NONE_CHOSEN);
    }
    let page = BulkTagPage::load(&mut conn, request, found).await?;
    drop(conn);
    visit.page(&page)
}

pub(super) async fn apply(visit: Visit<Marketer>, form: Form<Vec<(String, String)>>) -> PageResult {
    let fields = form.into_inner();
    bulk_conditions::accept(BulkTagForm::check(&fields))?;
    let expected = bulk_conditions::field(&fields, "expected").map(str::to_owned);
    let request = BulkTagForm::read(fields);
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let mut contact_ids =
        request.contact_ids(&mut conn, visit.organization.default_country).await?;
    if contact_ids.is_empty() {
        return visit.redirect(request.back()).warning(NONE_CHOSEN);
    }
    // Chosen contacts are named by id. Only a filter may match others by now.
    if let Some(changed) =
        bulk_conditions::changed(expected.as_deref(), contact_ids.len(), "contact")
            .filter(|_| request.all)
    {
        let page = BulkTagPage {
            changed: Some(changed),
            ..BulkTagPage::load(&mut conn, request, contact_ids.len()).await?
        };
        drop(conn);
        return visit.answer(StatusCode::CONFLICT, &page);
    }
    let tag = match request.tag_name() {
        Ok(tag) => tag,
        Err(error) => {
            let page = BulkTagPage::load(&mut conn, request, contact_ids.len()).await?;
            drop(conn);
            return visit.invalid(&BulkTagPage {
                errors: FieldErrors::default().with("name", error),
                ..page
            });
        }
    };
    let more = contact_ids.len() > MAX;
    contact_ids.truncate(MAX);
    let mut changed = Vec::new();
    conn.transaction(async |conn| {
        audit::record(
            conn,
            &actor,
            AuditKind::Contact,
            None,
            &request.audit_summary(&tag, contact_ids.len()),
            now,
        )
        .await
    })
    .await?;
    for chunk in contact_ids.chunks(CHUNK) {
        let of_chunk = db::transaction(&mut conn, async |tx| {
            if request.removes() {
                return tags::remove_many(&mut tx.open(), chunk, &tag, now).await;
            }
            let mut tx = contacts::deletion::hold_off(tx).await?;
            let existing = contacts::existing(&mut tx, chunk).await?;
            let changes = tags::add_many(&mut tx, &existing, &tag, now).await?;
            consequences::react_to_changes(tx.into(), &changes, &[], now).await?;
            Ok::<_, Error>(changes.iter().map(ContactChange::contact_id).collect())
        })
        .await?;
        changed.extend(of_chunk);
    }
    let starts =
        if request.removes() { automations_started_by(&mut conn, &tag).await? } else { Vec::new() };
    drop(conn);
    let message = request.result_text(&tag, changed.len(), contact_ids.len());
    match contact_ids.as_slice().last() {
        Some(last) if more => {
            let next = BulkTagForm { from: Some(*last), ..request };
            visit.redirect(next.link()).warning(format!("{message} More are left: continue here."))
        }
        _ if changed.is_empty() || changed.len() > MAX_UNDONE || !starts.is_empty() => {
            visit.redirect(request.back()).flash(message)
        }
        _ => {
            let ids: Vec<String> = changed.iter().map(ToString::to_string).collect();
            let action = if request.removes() { "add" } else { "remove" };
            let parameters = [
                ("action", action),
                ("name", tag.as_str()),
                ("q", request.q.as_str()),
                ("tag", request.tag.as_str()),
            ];
            let parameters =
                parameters.into_iter().filter(|(_, value)| !bulk_conditions::is_blank(value));
            let fields = parameters.chain(ids.iter().map(|id| ("id", id.as_str())));
            visit.redirect(request.back()).undo("/contacts/tag", fields).flash(message)
        }
    }
}

/// The names of the active automations that adding this tag starts.
pub(super) async fn automations_started_by(conn: &mut Conn, tag: &TagName) -> Result<Vec<String>> {
    let by_tag = |trigger: &Trigger| {
        matches!(
            trigger,
            Trigger::TagAdded { tag: Some(name) } if name == tag
        )
    };
    let active = automations::list_active(conn).await?;
    Ok(active
        .into_iter()
        .filter(|automation| by_tag(&automation.definition.trigger))
        .map(|automation| automation.name)
        .collect())
}

impl BulkTagForm {
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut request = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "action" => request.action = value,
                "name" => request.name = value,
                "all" => request.all = true,
                "q" => request.q = value,
                "tag" => request.tag = value,
                "from" => request.from = value.parse().ok(),
                "id" => request.ids.extend(value.parse::<ContactId>()),
                _ => {}
            }
        }
        request
    }

    /// Checks a form that writes. Blank, unknown or invalid fields are errors, because ignoring
    /// them would change other contacts or take another action.
    fn check(fields: &[(String, String)]) -> FieldErrors {
        let mut errors = bulk_conditions::check(
            fields,
            &["q", "tag", "from", "id", "all"],
            &["action", "name", "expected"],
        );
        for (name, value) in fields {
            match name.as_str() {
                "action" if !matches!(value.as_str(), "add" | "remove") => {
                    errors.add(name, "Choose add or remove.");
                }
                "from" | "id"
                    if !bulk_conditions::is_blank(value) && value.parse::<ContactId>().is_err() =>
                {
                    errors.add(name, "This is not a contact’s id.");
                }
                _ => {}
            }
        }
        if bulk_conditions::field(fields, "action").is_none() {
            errors.add("action", "Choose add or remove.");
        }
        errors
    }

    fn removes(&self) -> bool {
        self.action == "remove"
    }

    fn tag_name(&self) -> std::result::Result<TagName, String> {
        let tag = TagName::parse(&self.name).map_err(|error| error.to_string())?;
        if tag.is_stop() {
            return Err(
                "This tag marks an opt-out. Suppress numbers one by one, on the pages of contacts."
                    .to_owned(),
            );
        }
        Ok(tag)
    }

    /// The requested contacts, the newest first: at most one more than a request covers.
    async fn contact_ids(
        &self,
        conn: &mut Conn,
        default_country: Option<Country>,
    ) -> Result<Vec<ContactId>> {
        if !self.all {
            return contacts::existing(conn, &self.ids).await;
        }
        contacts::list_ids(conn, &self.filter(default_country)?, self.position(), MAX + 1).await
    }

    /// The number of requested contacts: at most one more than a request covers.
    async fn count(&self, conn: &mut Conn, default_country: Option<Country>) -> Result<usize> {
        if !self.all {
            return Ok(contacts::existing(conn, &self.ids).await?.len());
        }
        contacts::count(conn, &self.filter(default_country)?, self.position(), MAX).await
    }

    fn filter(&self, default_country: Option<Country>) -> Result<ContactFilter> {
        Ok(ContactFilter {
            tag: parse_tag_filter(&self.tag)?,
            search: self.q.clone(),
            default_country,
            ..ContactFilter::default()
        })
    }

    fn position(&self) -> Position {
        self.from.map_or(Position::Newest, Position::OlderThan)
    }

    fn result_text(&self, tag: &TagName, changed: usize, of: usize) -> String {
        let others = match of - changed {
            0 => String::new(),
            same if self.removes() => format!(" {} did not have it.", counted(same, "contact")),
            same => format!(" {} had it already.", counted(same, "contact")),
        };
        let (done, to) = if self.removes() { ("Removed", "from") } else { ("Added", "to") };
        format!("{done} “{tag}” {to} {}.{others}", counted(changed, "contact"))
    }

    /// The entry of the audit log, written before the work begins.
    fn audit_summary(&self, tag: &TagName, of: usize) -> String {
        let (done, to) = if self.removes() { ("took", "from") } else { ("gave", "to") };
        format!("{done} the tag {tag} {to} {}", counted(of, "contact"))
    }

    /// The path of the list that the request came from.
    fn back(&self) -> String {
        match query(&[("q", &self.q), ("tag", &self.tag)]) {
            query if query.is_empty() => "/contacts".to_owned(),
            query => format!("/contacts?{query}"),
        }
    }

    /// The path of the confirmation for all that match the filter, from the keyset position on.
    fn link(&self) -> String {
        let from = self.from.map_or_else(String::new, |id| id.to_string());
        let query = query(&[
            ("action", &self.action),
            ("name", &self.name),
            ("all", "true"),
            ("q", &self.q),
            ("tag", &self.tag),
            ("from", &from),
        ]);
        format!("/contacts/tag?{query}")
    }
}

/// A query string of those parameters that are not blank.
fn query(pairs: &[(&str, &str)]) -> String {
    let filled = pairs.iter().filter(|(_, value)| !value.trim().is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
}

impl BulkTagPage {
    async fn load(conn: &mut Conn, request: BulkTagForm, found: usize) -> Result<Self> {
        let tag = request.tag_name();
        let starts = match &tag {
            Ok(tag) if !request.removes() => automations_started_by(conn, tag).await?,
            _ => Vec::new(),
        };
        Ok(Self {
            starts,
            errors: match tag {
                Err(error) => FieldErrors::default().with("name", error),
                Ok(_) => FieldErrors::default(),
            },
            ..Self::bare(request, found)
        })
    }

    fn bare(request: BulkTagForm, found: usize) -> Self {
        Self {
            removes: request.removes(),
            back: request.back(),
            count: found.min(MAX),
            more: found > MAX,
            expected: found,
            changed: None,
            starts: Vec::new(),
            errors: FieldErrors::default(),
            wish: request,
        }
    }
}

impl Page for BulkTagPage {
    const TEMPLATE: &'static str = "ui/contacts/bulk_tag.html";
}

#[cfg(debug_assertions)]
#[path = "samples/bulk_tag.rs"]
mod samples;

#[cfg(test)]
#[path = "bulk_tag_tests.rs"]
mod tests;
