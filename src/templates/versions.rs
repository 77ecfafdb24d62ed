//! The versions of a template with their authors, and restoring one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::change::update;
use super::new_template::NewTemplate;
use super::template::{Template, lock};
use crate::db::Conn;
use crate::db::schema::{template_versions, users};
use crate::error::{Error, Result};
use crate::types::id::TemplateId;
use crate::users::audit::Actor;

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Version {
    /// Version number, from 1.
    pub number: i32,
    /// The text with variables.
    pub body: String,
    /// URLs of images and other files.
    pub media_urls: Vec<String>,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
    /// Name of the user who saved it; `None` for the API.
    pub author: Option<String>,
}

type Columns = (
    template_versions::version,
    template_versions::body,
    template_versions::media_urls,
    template_versions::created_at,
    diesel::dsl::Nullable<users::name>,
);

fn columns() -> Columns {
    (
        template_versions::version,
        template_versions::body,
        template_versions::media_urls,
        template_versions::created_at,
        users::name.nullable(),
    )
}

/// Versions of a template before `before`, newest first, at most `limit`.
pub async fn list(
    conn: &mut Conn,
    id: TemplateId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Version>> {
    let earlier = template_versions::version.lt(before.unwrap_or(i32::MAX));
    Ok(template_versions::table
        .left_join(users::table)
        .filter(template_versions::template_id.eq(id).and(earlier))
        .order(template_versions::version.desc())
        .limit(limit)
        .select(columns())
        .load(conn)
        .await?)
}

/// Finds one version of a template.
pub async fn find(conn: &mut Conn, id: TemplateId, version: i32) -> Result<Version> {
    let found = template_versions::table
        .find((id, version))
        .left_join(users::table)
        .select(columns())
        .first(conn)
        .await
        .optional()?;
    found.ok_or(Error::NotFound("version"))
}

/// Saves the text of an earlier version as a new version; the history stays.
///
/// Must run in the caller's transaction.
pub async fn restore(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    version: i32,
    now: DateTime<Utc>,
) -> Result<Template> {
    let earlier = find(conn, id, version).await?;
    let current = lock(conn, id).await?;
    let new = NewTemplate::parse(&current.name, &earlier.body, &earlier.media_urls).map_err(
        |errors| Error::Refused(format!("Version {version} can’t be restored: {errors}")),
    )?;
    update(conn, actor, id, new, now).await
}
