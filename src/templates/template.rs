//! Saved templates: their rows, and each text that they have had.

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

/// The longest name, in characters.
const MAX_NAME: usize = 120;
/// As many media files as Twilio takes in one message.
pub const MAX_MEDIA_URLS: usize = 10;
/// Copies of one template, each with a name of its own.
const MAX_COPIES: usize = 50;

/// A saved SMS text, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Template {
    /// Its identifier.
    pub id: TemplateId,
    /// Unique, whatever its capitals.
    pub name: String,
    /// From 1; counts up with each new body or media.
    pub version: i32,
    /// The text with variables.
    pub body: String,
    /// Pictures and other files that go along (MMS).
    pub media_urls: Vec<String>,
    /// When it was first saved.
    pub created_at: DateTime<Utc>,
    /// When anything about it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away; it is not offered any more, but still sent where it is in use.
    pub archived_at: Option<DateTime<Utc>>,
}

/// A template's name, text and media, checked.
#[derive(Debug, PartialEq)]
pub struct NewTemplate {
    name: String,
    body: TemplateBody,
    media: Vec<MediaUrl>,
    /// The same as they are saved.
    media_urls: Vec<String>,
}

impl NewTemplate {
    /// Checks what was typed; errors are under `name`, `body` and `media_urls.0`, `media_urls.1` ….
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

    /// The addresses of the media, to be filled in.
    pub fn media(&self) -> &[MediaUrl] {
        &self.media
    }

    /// The addresses of the media as they are saved.
    pub fn media_urls(&self) -> &[String] {
        &self.media_urls
    }

    /// The names of the variables of text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        self.body
            .variables()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// What is probably not meant as it stands, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        self.body
            .warnings()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// Whether the saved template has this text and these media.
    pub fn is_text_of(&self, saved: &Template) -> bool {
        saved.body == self.body.as_str() && saved.media_urls == self.media_urls
    }
}

/// Checks the addresses of a message's media; errors are under `media_urls`, `media_urls.0`,
/// `media_urls.1` ….
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
    /// The same text without capitals, as the unique index has it.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The template, archived or not.
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

/// The template, which nobody else changes until the caller's transaction ends.
pub async fn lock(conn: &mut Conn, id: TemplateId) -> Result<Template> {
    // A statement of its own: the version that another transaction has just committed is seen only
    // by the next one.
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

/// Those of the templates that exist, archived or not, by id.
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

/// Templates that are not archived, by name; `after` is the name that the page before ended with.
pub async fn list(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Template>> {
    shelf(conn, false, after, limit).await
}

/// Archived templates, as [`list`] lists the others.
pub async fn list_archived(
    conn: &mut Conn,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Template>> {
    shelf(conn, true, after, limit).await
}

async fn shelf(
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

/// Saves a new template as version 1; a name that exists is an error of `name`.
///
/// To be called in a transaction.
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

/// Saves a template anew: another body or other media make a new version, and messages say which
/// one they were made from.
///
/// To be called in a transaction.
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

/// Saves the text and media of a template once more, under a name that is free: `Copy of Welcome`,
/// `Copy 2 of Welcome`, ….
///
/// To be called in a transaction.
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

/// What a copy is called; the end of a long name gives way.
fn copy_name(name: &str, number: usize) -> String {
    let beginning = if number == 1 { "Copy of ".to_owned() } else { format!("Copy {number} of ") };
    let room = MAX_NAME - beginning.len();
    beginning.chars().chain(name.chars().take(room)).collect::<String>().trim_end().to_owned()
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
            // None when a program saves it.
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
