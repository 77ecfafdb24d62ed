//! Tagging many contacts at once: those that were chosen, or all that fit the list's filter; asked
//! first, with their number.

use actix_web::http::StatusCode;
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::list::wanted_tag;
use crate::automations::{self, Trigger, consequences};
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Change, ContactFilter, Position};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::users::audit::{self, AuditKind};
use crate::web::http::filters::counted;
use crate::web::http::narrowing;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};

/// As many contacts as one press of the button goes through.
const MAX: usize = 20_000;
/// As many as one transaction does.
const CHUNK: usize = 500;
/// As many contacts as one press of *Undo* gives back what they had: their ids have to fit into a
/// cookie.
const MAX_UNDONE: usize = 40;

const NOBODY: &str = "Nobody is chosen. Choose contacts in the list, or all that fit the filter.";

/// What is to be done with whom, as it was typed.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct BulkTagForm {
    /// `add` or `remove`.
    action: String,
    name: String,
    /// Whether all that fit the filter are meant, not the chosen ones.
    all: bool,
    q: String,
    tag: String,
    /// Where it goes on after as many as are done at once.
    from: Option<ContactId>,
    ids: Vec<ContactId>,
}

/// The question.
#[derive(Debug, Serialize)]
pub(in crate::web) struct BulkTagPage {
    wish: BulkTagForm,
    removes: bool,
    back: String,
    count: usize,
    /// Whether there are more than are done at once.
    more: bool,
    /// As many as the question is about, to be sent along with the answer.
    expected: usize,
    /// How the number has changed since it was shown.
    changed: Option<String>,
    /// The automations that adding the tag starts.
    starts: Vec<String>,
    errors: FieldErrors,
}

pub(super) async fn ask(
    visit: Visit<Marketer>,
    fields: Query<Vec<(String, String)>>,
) -> PageResult {
    let wish = BulkTagForm::read(fields.into_inner());
    let mut conn = visit.conn().await?;
    let found = wish.count(&mut conn, visit.organization.default_country).await?;
    if found == 0 {
        return visit.redirect(wish.back()).warning(NOBODY);
    }
    let page = BulkTagPage::load(&mut conn, wish, found).await?;
    drop(conn);
    visit.page(&page)
}

pub(super) async fn apply(visit: Visit<Marketer>, form: Form<Vec<(String, String)>>) -> PageResult {
    let fields = form.into_inner();
    narrowing::accept(BulkTagForm::check(&fields))?;
    let expected = narrowing::field(&fields, "expected").map(str::to_owned);
    let wish = BulkTagForm::read(fields);
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let mut whom = wish.whom(&mut conn, visit.organization.default_country).await?;
    if whom.is_empty() {
        return visit.redirect(wish.back()).warning(NOBODY);
    }
    // Those that were chosen are named one by one; of all that fit, there may be others by now.
    if let Some(changed) =
        narrowing::changed(expected.as_deref(), whom.len(), "contact").filter(|_| wish.all)
    {
        let page = BulkTagPage {
            changed: Some(changed),
            ..BulkTagPage::load(&mut conn, wish, whom.len()).await?
        };
        drop(conn);
        return visit.answer(StatusCode::CONFLICT, &page);
    }
    let tag = match wish.tag_name() {
        Ok(tag) => tag,
        Err(error) => {
            let page = BulkTagPage::load(&mut conn, wish, whom.len()).await?;
            drop(conn);
            return visit.invalid(&BulkTagPage {
                errors: FieldErrors::default().with("name", error),
                ..page
            });
        }
    };
    let more = whom.len() > MAX;
    whom.truncate(MAX);
    let mut changed = Vec::new();
    conn.transaction(async |conn| {
        audit::record(conn, &actor, AuditKind::Contact, None, &wish.told(&tag, whom.len()), now)
            .await
    })
    .await?;
    for chunk in whom.chunks(CHUNK) {
        let of_chunk = conn
            .transaction(async |conn| {
                if wish.removes() {
                    return tags::remove_many(conn, chunk, &tag, now).await;
                }
                contacts::deletion::hold_off(conn).await?;
                let there = contacts::existing(conn, chunk).await?;
                let changes = tags::add_many(conn, &there, &tag, now).await?;
                consequences::follow(conn, &changes, None, now).await?;
                Ok::<_, Error>(changes.iter().map(Change::contact_id).collect())
            })
            .await?;
        changed.extend(of_chunk);
    }
    let starts = if wish.removes() { started_by(&mut conn, &tag).await? } else { Vec::new() };
    drop(conn);
    let done = wish.said(&tag, changed.len(), whom.len());
    match whom.as_slice().last() {
        Some(last) if more => {
            let next = BulkTagForm { from: Some(*last), ..wish };
            visit
                .redirect(next.link())
                .warning(format!("{done} There are more: go on with them here."))
        }
        _ if changed.is_empty() || changed.len() > MAX_UNDONE || !starts.is_empty() => {
            visit.redirect(wish.back()).flash(done)
        }
        _ => {
            let ids: Vec<String> = changed.iter().map(ToString::to_string).collect();
            let action = if wish.removes() { "add" } else { "remove" };
            let named = [
                ("action", action),
                ("name", tag.as_str()),
                ("q", wish.q.as_str()),
                ("tag", wish.tag.as_str()),
            ];
            let named = named.into_iter().filter(|(_, value)| !narrowing::is_blank(value));
            let fields = named.chain(ids.iter().map(|id| ("id", id.as_str())));
            visit.redirect(wish.back()).undo("/contacts/tag", fields).flash(done)
        }
    }
}

/// The names of the active automations that adding this tag starts.
pub(super) async fn started_by(conn: &mut Conn, tag: &TagName) -> Result<Vec<String>> {
    let by_tag = |trigger: &Trigger| {
        matches!(
            trigger,
            Trigger::TagAdded { tag: Some(wanted) } if wanted == tag
        )
    };
    let active = automations::list_active(conn).await?;
    Ok(active
        .into_iter()
        .filter(|one| by_tag(&one.definition.trigger))
        .map(|one| one.name)
        .collect())
}

impl BulkTagForm {
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut wish = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "action" => wish.action = value,
                "name" => wish.name = value,
                "all" => wish.all = true,
                "q" => wish.q = value,
                "tag" => wish.tag = value,
                "from" => wish.from = value.parse().ok(),
                "id" => wish.ids.extend(value.parse::<ContactId>()),
                _ => {}
            }
        }
        wish
    }

    /// What cannot be in a form that writes: what is blank, unknown or cannot be read would mean
    /// other contacts, or another action.
    fn check(fields: &[(String, String)]) -> FieldErrors {
        let mut errors = narrowing::check(
            fields,
            &["q", "tag", "from", "id", "all"],
            &["action", "name", "expected"],
        );
        for (name, value) in fields {
            match name.as_str() {
                "action" if !matches!(value.as_str(), "add" | "remove") => {
                    errors.add(name, "Say add or remove.");
                }
                "from" | "id"
                    if !narrowing::is_blank(value) && value.parse::<ContactId>().is_err() =>
                {
                    errors.add(name, "This is not a contact’s id.");
                }
                _ => {}
            }
        }
        if narrowing::field(fields, "action").is_none() {
            errors.add("action", "Say add or remove.");
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
                "This tag stands for an opt-out, which is a matter of each person: see the page of \
                 the contact.".to_owned()
            );
        }
        Ok(tag)
    }

    /// The contacts that are meant, the newest first; one more than are done at once, if there are
    /// more.
    async fn whom(
        &self,
        conn: &mut Conn,
        default_country: Option<Country>,
    ) -> Result<Vec<ContactId>> {
        if !self.all {
            return contacts::existing(conn, &self.ids).await;
        }
        contacts::list_ids(conn, &self.filter(default_country)?, self.position(), MAX + 1).await
    }

    /// How many they are; one more than are done at once, if there are more.
    async fn count(&self, conn: &mut Conn, default_country: Option<Country>) -> Result<usize> {
        if !self.all {
            return Ok(contacts::existing(conn, &self.ids).await?.len());
        }
        contacts::count(conn, &self.filter(default_country)?, self.position(), MAX).await
    }

    fn filter(&self, default_country: Option<Country>) -> Result<ContactFilter> {
        Ok(ContactFilter {
            tag: wanted_tag(&self.tag)?,
            search: self.q.clone(),
            default_country,
            ..ContactFilter::default()
        })
    }

    fn position(&self) -> Position {
        self.from.map_or(Position::Newest, Position::OlderThan)
    }

    fn said(&self, tag: &TagName, changed: usize, of: usize) -> String {
        let others = match of - changed {
            0 => String::new(),
            same if self.removes() => format!(" {} did not have it.", counted(same, "contact")),
            same => format!(" {} had it already.", counted(same, "contact")),
        };
        let done = if self.removes() { "was taken from" } else { "was given to" };
        format!("The tag “{tag}” {done} {}.{others}", counted(changed, "contact"))
    }

    /// The same for the audit log, written before it is begun.
    fn told(&self, tag: &TagName, of: usize) -> String {
        let (done, to) = if self.removes() { ("took", "from") } else { ("gave", "to") };
        format!("{done} the tag {tag} {to} {}", counted(of, "contact"))
    }

    /// The list that it came from.
    fn back(&self) -> String {
        match query(&[("q", &self.q), ("tag", &self.tag)]) {
            query if query.is_empty() => "/contacts".to_owned(),
            query => format!("/contacts?{query}"),
        }
    }

    /// The question about all that fit, from where it goes on.
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

/// The query of a link, of what is filled.
fn query(pairs: &[(&str, &str)]) -> String {
    let filled = pairs.iter().filter(|(_, value)| !value.trim().is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
}

impl BulkTagPage {
    async fn load(conn: &mut Conn, wish: BulkTagForm, found: usize) -> Result<Self> {
        let tag = wish.tag_name();
        let starts = match &tag {
            Ok(tag) if !wish.removes() => started_by(conn, tag).await?,
            _ => Vec::new(),
        };
        Ok(Self {
            starts,
            errors: match tag {
                Err(error) => FieldErrors::default().with("name", error),
                Ok(_) => FieldErrors::default(),
            },
            ..Self::bare(wish, found)
        })
    }

    fn bare(wish: BulkTagForm, found: usize) -> Self {
        Self {
            removes: wish.removes(),
            back: wish.back(),
            count: found.min(MAX),
            more: found > MAX,
            expected: found,
            changed: None,
            starts: Vec::new(),
            errors: FieldErrors::default(),
            wish,
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
