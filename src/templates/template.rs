//! Saved templates: their rows and versions.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{MediaUrl, TemplateBody};
use crate::db::Conn;
use crate::db::schema::{template_versions, templates};
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::TemplateId;
use crate::types::mistake::{self, Mistake};
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// Maximum length of a name, in characters.
const MAX_NAME: usize = 120;
/// Maximum number of media files per message, as limited by Twilio.
pub const MAX_MEDIA_URLS: usize = 10;
/// Maximum number of copies of one template.
const MAX_COPIES: usize = 50;

/// A saved template with its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Template {
    /// Its identifier.
    pub id: TemplateId,
    /// Name; unique, case-insensitively.
    pub name: String,
    /// Version number, from 1; incremented with each new body or media.
    pub version: i32,
    /// The text with variables.
    pub body: String,
    /// URLs of images and other files (MMS).
    pub media_urls: Vec<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything about it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived; it is no longer offered, but still sent where it is in use.
    pub archived_at: Option<DateTime<Utc>>,
}

/// Checked name, text and media of a template.
#[derive(Debug, PartialEq)]
pub struct NewTemplate {
    name: String,
    body: TemplateBody,
    media: Vec<MediaUrl>,
    /// The media URLs in their saved form.
    media_urls: Vec<String>,
}

impl NewTemplate {
    /// Parses user input; errors are by field: `name`, `body`, `media_urls.0`, `media_urls.1` ….
    pub fn parse(name: &str, body: &str, media_urls: &[String]) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", parse_name(name));
        let body = errors.check("body", TemplateBody::parse(body));
        let media = check_media_urls(media_urls, &mut errors);
        match (name, body) {
            (Some(name), Some(body)) if errors.is_empty() => {
                let media_urls = media.iter().map(|url| url.as_str().to_owned()).collect();
                Ok(Self { name, body, media, media_urls })
            }
            _ => Err(errors),
        }
    }

    /// The parsed text.
    pub fn body(&self) -> &TemplateBody {
        &self.body
    }

    /// The parsed media URLs.
    pub fn media(&self) -> &[MediaUrl] {
        &self.media
    }

    /// The media URLs in their saved form.
    pub fn media_urls(&self) -> &[String] {
        &self.media_urls
    }

    /// The names of the variables in text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        self.body
            .variables()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// Warnings about likely mistakes, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        self.body
            .warnings()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// Whether the saved template has the same text and media.
    pub fn is_text_of(&self, saved: &Template) -> bool {
        saved.body == self.body.as_str() && saved.media_urls == self.media_urls
    }
}

/// Parses a message's media URLs; errors are by field: `media_urls`, `media_urls.0`, `media_urls.1`
/// ….
pub fn check_media_urls(media_urls: &[String], errors: &mut FieldErrors) -> Vec<MediaUrl> {
    if media_urls.len() > MAX_MEDIA_URLS {
        errors.add("media_urls", Mistake::TooMany(MAX_MEDIA_URLS, "media files"));
    }
    let urls = media_urls.iter().enumerate();
    urls.filter_map(|(index, url)| {
        errors.check(&format!("media_urls.{index}"), MediaUrl::parse(url))
    })
    .collect()
}

type Columns = (
    templates::id,
    templates::name,
    templates::version,
    template_versions::body,
    template_versions::media_urls,
    templates::created_at,
    templates::updated_at,
    templates::archived_at,
);
const COLUMNS: Columns = (
    templates::id,
    templates::name,
    templates::version,
    template_versions::body,
    template_versions::media_urls,
    templates::created_at,
    templates::updated_at,
    templates::archived_at,
);

define_sql_function! {
    /// PostgreSQL's `lower`, which the unique index uses.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Finds a template, archived or not.
pub async fn find(conn: &mut Conn, id: TemplateId) -> Result<Template> {
    let found = templates::table
        .inner_join(template_versions::table.on(is_current()))
        .select(COLUMNS)
        .filter(templates::id.eq(id))
        .first(conn)
        .await
        .optional()?;
    found.ok_or(Error::NotFound("template"))
}

/// Finds a template and locks its row until the caller's transaction ends.
pub async fn lock(conn: &mut Conn, id: TemplateId) -> Result<Template> {
    // Locks in a separate statement: only the next statement sees a version that another
    // transaction just committed.
    let locked: Option<i32> = templates::table
        .find(id)
        .select(templates::version)
        .for_update()
        .first(conn)
        .await
        .optional()?;
    locked.ok_or(Error::NotFound("template"))?;
    find(conn, id).await
}

/// Finds templates by id, archived or not; unknown ids are missing.
pub async fn find_many(
    mut conn: &Conn,
    ids: &[TemplateId],
) -> Result<HashMap<TemplateId, Template>> {
    let found: Vec<Template> = templates::table
        .inner_join(template_versions::table.on(is_current()))
        .select(COLUMNS)
        .filter(templates::id.eq_any(ids))
        .load(&mut conn)
        .await?;
    Ok(found.into_iter().map(|template| (template.id, template)).collect())
}

/// Templates that are not archived, by name; `after` is the last name of the previous page (keyset
/// pagination).
pub async fn list(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Template>> {
    list_page(conn, false, after, limit).await
}

/// Archived templates, paginated like [`list`].
pub async fn list_archived(
    conn: &mut Conn,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Template>> {
    list_page(conn, true, after, limit).await
}

async fn list_page(
    conn: &mut Conn,
    archived: bool,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Template>> {
    let mut query = templates::table
        .inner_join(template_versions::table.on(is_current()))
        .select(COLUMNS)
        .filter(templates::archived_at.is_not_null().eq(archived))
        .order(lower(templates::name))
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(lower(templates::name).gt(lower(after)));
    }
    Ok(query.load(conn).await?)
}

/// Saves a new template as version 1; a taken name is an error of `name`.
///
/// Must run in the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    new: NewTemplate,
    now: DateTime<Utc>,
) -> Result<Template> {
    let id = TemplateId::new();
    audit::record(
        conn,
        actor,
        AuditKind::Template,
        Some(id.0),
        &format!("made the template {}", new.name),
        now,
    )
    .await?;
    diesel::insert_into(templates::table)
        .values((
            templates::id.eq(id),
            templates::name.eq(&new.name),
            templates::version.eq(1),
            templates::created_at.eq(now),
            templates::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    insert_version(conn, id, 1, &new, actor, now).await?;
    Ok(Template {
        id,
        name: new.name,
        version: 1,
        body: new.body.as_str().to_owned(),
        media_urls: new.media_urls,
        created_at: now,
        updated_at: now,
        archived_at: None,
    })
}

/// Changes a template: a new body or new media create a new version, which messages refer to.
///
/// Must run in the caller's transaction.
pub async fn update(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    new: NewTemplate,
    now: DateTime<Utc>,
) -> Result<Template> {
    let before = lock(conn, id).await?;
    let new_text = !new.is_text_of(&before);
    if !new_text && before.name == new.name {
        return Ok(before);
    }
    let version = before.version + i32::from(new_text);
    if new_text {
        insert_version(conn, id, version, &new, actor, now).await?;
    }
    let differences = Differences::default()
        .compare("the name", before.name.as_str(), new.name.as_str())
        .compare("its text", &format!("version {}", before.version), &format!("version {version}"));
    let summary = format!("changed the template {}: {differences}", before.name);
    audit::record(conn, actor, AuditKind::Template, Some(id.0), &summary, now).await?;
    diesel::update(templates::table.find(id))
        .set((
            templates::name.eq(&new.name),
            templates::version.eq(version),
            templates::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    let body = new.body.as_str().to_owned();
    Ok(Template {
        name: new.name,
        version,
        body,
        media_urls: new.media_urls,
        updated_at: now,
        ..before
    })
}

/// Copies a template under a free name: `Copy of Welcome`, `Copy 2 of Welcome`, ….
///
/// Must run in the caller's transaction.
pub async fn duplicate(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    now: DateTime<Utc>,
) -> Result<Template> {
    let original = find(conn, id).await?;
    let names: Vec<String> =
        (1..=MAX_COPIES).map(|number| copy_name(&original.name, number)).collect();
    let lowered: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let taken: Vec<String> = templates::table
        .filter(lower(templates::name).eq_any(&lowered))
        .select(lower(templates::name))
        .load(conn)
        .await?;
    let free = names.iter().zip(&lowered).find(|(_, lowered)| !taken.contains(lowered));
    let (name, _) = free.ok_or_else(|| {
        Error::Refused(format!(
            "There are {MAX_COPIES} copies of this template already; rename some."
        ))
    })?;
    let new =
        NewTemplate::parse(name, &original.body, &original.media_urls).map_err(Error::Invalid)?;
    create(conn, actor, new, now).await
}

/// The name of a copy; a long original name is truncated.
fn copy_name(name: &str, number: usize) -> String {
    let beginning = if number == 1 { "Copy of ".to_owned() } else { format!("Copy {number} of ") };
    let remaining = MAX_NAME - beginning.len();
    beginning.chars().chain(name.chars().take(remaining)).collect::<String>().trim_end().to_owned()
}

async fn insert_version(
    conn: &mut Conn,
    id: TemplateId,
    version: i32,
    new: &NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(template_versions::table)
        .values((
            template_versions::template_id.eq(id),
            template_versions::version.eq(version),
            template_versions::body.eq(new.body.as_str()),
            template_versions::media_urls.eq(&new.media_urls),
            template_versions::created_at.eq(now),
            // `None` if the API saves it.
            template_versions::created_by.eq(actor.user()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

#[diesel::dsl::auto_type]
fn is_current() -> _ {
    template_versions::template_id
        .eq(templates::id)
        .and(template_versions::version.eq(templates::version))
}

fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint(
        "templates_name_key",
        "name",
        "There is a template with this name already; choose another one.",
    )
}

fn parse_name(typed: &str) -> Result<String, String> {
    Ok(mistake::name(typed, MAX_NAME)?.to_owned())
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
