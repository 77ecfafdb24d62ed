//! Saved templates: their rows and the queries for them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;

use super::error::TemplateError;
use super::media_url::MediaUrl;
use super::parsed_version::ParsedVersion;
use super::template_body::sample_event;
use crate::db::Conn;
use crate::db::schema::{template_versions, templates};
use crate::error::{Error, Result};
use crate::types::id::TemplateId;
use crate::types::like_pattern::{containing_words, starting_with};

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

/// Properties of text and media; empty if they can no longer be parsed.
impl Template {
    /// Warnings about likely mistakes, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let Ok(parsed) = self.parsed() else { return Vec::new() };
        parsed
            .body
            .warnings()
            .into_iter()
            .chain(parsed.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// The names of the variables in text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        let Ok(parsed) = self.parsed() else { return BTreeSet::new() };
        parsed
            .body
            .variables()
            .into_iter()
            .chain(parsed.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// A sample event with a property for every `event.…` in text and media.
    pub fn sample_event(&self) -> Option<serde_json::Value> {
        let parsed = self.parsed().ok()?;
        Some(sample_event(Some(&parsed.body), &parsed.media))
    }

    fn parsed(&self) -> std::result::Result<ParsedVersion, TemplateError> {
        ParsedVersion::parse(&self.body, &self.media_urls)
    }
}

/// A template that a search found, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct TemplateMatch {
    /// Its identifier.
    pub id: TemplateId,
    /// Its name.
    pub name: String,
    /// When it was archived, if it was.
    pub archived_at: Option<DateTime<Utc>>,
}

impl From<Template> for TemplateMatch {
    fn from(template: Template) -> Self {
        Self { id: template.id, name: template.name, archived_at: template.archived_at }
    }
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
    fn lower(text: Text) -> Text;
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

/// Finds templates whose names contain all of these words in any case: archived ones last, and
/// those that begin with the text first. Users write templates, so there are few, and all names are
/// read.
pub async fn find_by_words(conn: &mut Conn, text: &str, limit: i64) -> Result<Vec<TemplateMatch>> {
    let words = containing_words(text);
    let has_words =
        sql::<Bool>("templates.name ILIKE ALL (").bind::<Array<Text>, _>(words).sql(")");
    Ok(templates::table
        .filter(has_words)
        .order((
            templates::archived_at.is_not_null(),
            templates::name.ilike(starting_with(text)).desc(),
            templates::name,
        ))
        .limit(limit)
        .select((templates::id, templates::name, templates::archived_at))
        .load(conn)
        .await?)
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

/// The number of active or of archived templates.
pub async fn count(conn: &mut Conn, archived: bool) -> Result<i64> {
    let counted =
        templates::table.filter(templates::archived_at.is_not_null().eq(archived)).count();
    Ok(counted.get_result(conn).await?)
}

/// The names that begin with `start`, case-insensitively, also of archived templates.
pub async fn names_starting_with(conn: &mut Conn, start: &str) -> Result<Vec<String>> {
    Ok(templates::table
        .filter(templates::name.ilike(starting_with(start)))
        .select(templates::name)
        .load(conn)
        .await?)
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

#[diesel::dsl::auto_type]
fn is_current() -> _ {
    template_versions::template_id
        .eq(templates::id)
        .and(template_versions::version.eq(templates::version))
}
