//! The automation and its queries.

use chrono::{DateTime, Utc};
use diesel::define_sql_function;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::definition::Definition;
use crate::db::Conn;
use crate::db::schema::{automation_versions, automations};
use crate::error::{Error, Result};
use crate::types::id::AutomationId;
use crate::types::like_pattern::{containing_words, starting_with};
use crate::types::mistake;
use crate::types::text_enum::text_enum;

text_enum! {
    /// Whether an automation enrolls contacts and advances them.
    pub enum AutomationStatus {
        /// Never activated; may be incomplete.
        Draft = "draft",
        /// Enrolls contacts and advances them.
        Active = "active",
        /// Enrolls no contacts; its enrollments stand still until it is active again.
        Paused = "paused",
    }
}

/// An automation with the definition of its newest version.
#[derive(Debug, Clone, PartialEq)]
pub struct Automation {
    /// Its id, which increases with time of creation.
    pub id: AutomationId,
    /// Display name.
    pub name: String,
    /// Its status.
    pub status: AutomationStatus,
    /// Number of the newest version, from 1.
    pub version: i32,
    /// Trigger and steps.
    pub definition: Definition,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When name, status or definition last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived; it is no longer listed, and cannot be activated.
    pub archived_at: Option<DateTime<Utc>>,
}

/// An automation that a search found, without its definition.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct AutomationMatch {
    /// Its id.
    pub id: AutomationId,
    /// Display name.
    pub name: String,
    /// Its status.
    pub status: AutomationStatus,
    /// When it was archived, if it was.
    pub archived_at: Option<DateTime<Utc>>,
}

/// The name of an automation: one line of 1 to 120 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationName(String);

impl AutomationName {
    const MAX: usize = 120;

    /// Parses a name, trimmed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(mistake::name(text, Self::MAX)?.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) type AutomationRow = (
    AutomationId,
    String,
    AutomationStatus,
    i32,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Value,
    Value,
);

pub(super) const COLUMNS: AutomationColumns = (
    automations::id,
    automations::name,
    automations::status,
    automations::version,
    automations::created_at,
    automations::updated_at,
    automations::archived_at,
    automation_versions::trigger,
    automation_versions::steps,
);
pub(super) type AutomationColumns = (
    automations::id,
    automations::name,
    automations::status,
    automations::version,
    automations::created_at,
    automations::updated_at,
    automations::archived_at,
    automation_versions::trigger,
    automation_versions::steps,
);

define_sql_function! {
    /// A text in lower case, by which the index orders names.
    fn lower(text: Text) -> Text;
}

/// Automations joined with their newest versions.
#[diesel::dsl::auto_type]
pub(super) fn with_newest_version() -> _ {
    let newest = automation_versions::version.eq(automations::version);
    automations::table.inner_join(
        automation_versions::table
            .on(automation_versions::automation_id.eq(automations::id).and(newest)),
    )
}

/// Finds an automation by id; [`Error::NotFound`] if there is none.
pub async fn find(conn: &mut Conn, id: AutomationId) -> Result<Automation> {
    find_many(conn, &[id]).await?.pop().ok_or(Error::NotFound("automation"))
}

/// Finds automations by id, in no particular order; unknown ids are missing.
pub async fn find_many(conn: &mut Conn, ids: &[AutomationId]) -> Result<Vec<Automation>> {
    let rows: Vec<AutomationRow> = with_newest_version()
        .filter(automations::id.eq_any(ids))
        .select(COLUMNS)
        .load(conn)
        .await?;
    rows.into_iter().map(Automation::from_row).collect()
}

/// Finds an automation and locks its row until the caller's transaction ends.
pub(super) async fn lock(conn: &mut Conn, id: AutomationId) -> Result<Automation> {
    // Locks in a separate statement: only the next one sees what another just committed.
    let locked: Option<AutomationId> = automations::table
        .find(id)
        .select(automations::id)
        .for_update()
        .first(conn)
        .await
        .optional()?;
    locked.ok_or(Error::NotFound("automation"))?;
    find(conn, id).await
}

/// Automations older than `before`, archived or not, newest first, at most `limit`.
pub async fn list(
    conn: &mut Conn,
    before: Option<AutomationId>,
    limit: i64,
) -> Result<Vec<Automation>> {
    list_newest_first(conn, Listed::All, before, limit).await
}

/// Automations in the archive or outside it, older than `before`, newest first, at most `limit`.
pub async fn list_archived(
    conn: &mut Conn,
    archived: bool,
    before: Option<AutomationId>,
    limit: i64,
) -> Result<Vec<Automation>> {
    list_newest_first(conn, Listed::Archived(archived), before, limit).await
}

/// Which automations a list has.
enum Listed {
    All,
    /// Those in the archive, or those outside it.
    Archived(bool),
}

async fn list_newest_first(
    conn: &mut Conn,
    listed: Listed,
    before: Option<AutomationId>,
    limit: i64,
) -> Result<Vec<Automation>> {
    let mut query = with_newest_version()
        .select(COLUMNS)
        .order(automations::id.desc())
        .limit(limit)
        .into_boxed();
    if let Listed::Archived(archived) = listed {
        query = query.filter(automations::archived_at.is_not_null().eq(archived));
    }
    if let Some(before) = before {
        query = query.filter(automations::id.lt(before));
    }
    let rows: Vec<AutomationRow> = query.load(conn).await?;
    rows.into_iter().map(Automation::from_row).collect()
}

/// Automations in the archive or outside it by name, those after `after`, at most `limit`.
pub async fn list_by_name(
    conn: &mut Conn,
    archived: bool,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Automation>> {
    let mut query = with_newest_version()
        .select(COLUMNS)
        .filter(automations::archived_at.is_not_null().eq(archived))
        .order(lower(automations::name))
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(lower(automations::name).gt(lower(after)));
    }
    let rows: Vec<AutomationRow> = query.load(conn).await?;
    rows.into_iter().map(Automation::from_row).collect()
}

/// The number of automations in the archive or outside it.
pub async fn count(conn: &mut Conn, archived: bool) -> Result<i64> {
    let counted =
        automations::table.filter(automations::archived_at.is_not_null().eq(archived)).count();
    Ok(counted.get_result(conn).await?)
}

/// Every active automation, by name.
pub async fn list_active(conn: &mut Conn) -> Result<Vec<Automation>> {
    let rows: Vec<AutomationRow> = with_newest_version()
        .filter(automations::status.eq(AutomationStatus::Active))
        .select(COLUMNS)
        .order(automations::name)
        .load(conn)
        .await?;
    rows.into_iter().map(Automation::from_row).collect()
}

/// The names that begin with `start`, case-insensitively.
pub async fn names_starting_with(conn: &mut Conn, start: &str) -> Result<Vec<String>> {
    Ok(automations::table
        .filter(automations::name.ilike(starting_with(start)))
        .select(automations::name)
        .load(conn)
        .await?)
}

/// Finds automations whose names contain all of these words in any case, first those that begin
/// with the text, and last those in the archive. Users write automations, so there are few, and all
/// names are read.
pub async fn find_by_words(
    conn: &mut Conn,
    text: &str,
    limit: i64,
) -> Result<Vec<AutomationMatch>> {
    let words = containing_words(text);
    let has_words =
        sql::<Bool>("automations.name ILIKE ALL (").bind::<Array<Text>, _>(words).sql(")");
    Ok(automations::table
        .filter(has_words)
        .order((
            automations::archived_at.is_not_null(),
            automations::name.ilike(starting_with(text)).desc(),
            automations::name,
        ))
        .limit(limit)
        .select((automations::id, automations::name, automations::status, automations::archived_at))
        .load(conn)
        .await?)
}

impl From<Automation> for AutomationMatch {
    fn from(automation: Automation) -> Self {
        let Automation { id, name, status, archived_at, .. } = automation;
        Self { id, name, status, archived_at }
    }
}

impl Automation {
    pub(super) fn from_row(row: AutomationRow) -> Result<Self> {
        let (id, name, status, version, created_at, updated_at, archived_at, trigger, steps) = row;
        let definition = Definition::stored(&trigger, &steps)?;
        Ok(Self { id, name, status, version, definition, created_at, updated_at, archived_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_up_to_120_characters() {
        assert_eq!(AutomationName::parse("  Thank you ").unwrap().as_str(), "Thank you");
        assert!(AutomationName::parse(" ").is_err());
        assert!(AutomationName::parse("\u{200b}").is_err());
        assert!(AutomationName::parse("a\nb").is_err());
        assert!(AutomationName::parse(&"é".repeat(120)).is_ok());
        assert!(AutomationName::parse(&"é".repeat(121)).is_err());
    }
}
