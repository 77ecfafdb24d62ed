//! Views: filters of the message list that users save under a name, shared by all users of the
//! organization.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::{message_views, users};
use crate::error::{Error, Result};
use crate::types::id::SavedViewId;
use crate::types::invisible_characters::is_invisible;
use crate::users::audit::{self, Actor, AuditKind};

/// How many views can be saved: a longer list is hard to scan.
pub const MAX_VIEWS: i64 = 50;

const MAX_NAME: usize = 60;

/// A filter that is saved under a name.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct View {
    /// Its id.
    pub id: SavedViewId,
    /// Its name.
    pub name: String,
    /// The filter, as the query of a link to the list.
    pub query: String,
    /// The name of the user who saved it; none once that user is deleted.
    pub made_by: Option<String>,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
}

/// The name of a view; created by [`ViewName::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewName(String);

impl ViewName {
    /// Parses a name as a user types it.
    pub fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_invisible(&name) {
            return Err("Enter a name.");
        }
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err("Enter a name of up to 60 characters.");
        }
        Ok(Self(name))
    }
}

/// Lists all views by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<View>> {
    let views = message_views::table
        .left_join(users::table)
        .order((message_views::name, message_views::id))
        .limit(MAX_VIEWS);
    let columns = (
        message_views::id,
        message_views::name,
        message_views::query,
        users::name.nullable(),
        message_views::created_at,
    );
    Ok(views.select(columns).load(conn).await?)
}

/// Saves a filter under a name, with an entry in the audit log, in the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    name: &ViewName,
    query: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let known: i64 = message_views::table.count().get_result(conn).await?;
    if known >= MAX_VIEWS {
        return Err(Error::field("name", "There are 50 views already. Delete one first."));
    }
    diesel::insert_into(message_views::table)
        .values((
            message_views::id.eq(SavedViewId::new()),
            message_views::name.eq(&name.0),
            message_views::query.eq(query),
            message_views::created_by.eq(actor.user()),
            message_views::created_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    audit::record(
        conn,
        actor,
        AuditKind::Message,
        None,
        &format!("saved the view “{}” of messages", name.0),
        now,
    )
    .await
}

/// Renames a view, with an entry in the audit log, in the caller's transaction.
pub async fn rename(
    conn: &mut Conn,
    id: SavedViewId,
    name: &ViewName,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let view = message_views::table.find(id).for_update().select(message_views::name);
    let before: String = view.first(conn).await.optional()?.ok_or(Error::NotFound("view"))?;
    if before == name.0 {
        return Ok(());
    }
    diesel::update(message_views::table.find(id))
        .set(message_views::name.eq(&name.0))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    audit::record(
        conn,
        actor,
        AuditKind::Message,
        None,
        &format!("renamed the view “{before}” of messages to “{}”", name.0),
        now,
    )
    .await
}

/// Deletes a view, with an entry in the audit log, in the caller's transaction; returns its name
/// and query.
pub async fn delete(
    conn: &mut Conn,
    id: SavedViewId,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(String, String)> {
    let deleted = diesel::delete(message_views::table.find(id))
        .returning((message_views::name, message_views::query));
    let (name, query): (String, String) =
        deleted.get_result(conn).await.optional()?.ok_or(Error::NotFound("view"))?;
    audit::record(
        conn,
        actor,
        AuditKind::Message,
        None,
        &format!("deleted the view “{name}” of messages"),
        now,
    )
    .await?;
    Ok((name, query))
}

fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint(
        "message_views_name_key",
        "name",
        "Another view has this name. Choose a different one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_has_a_name_that_people_can_read() {
        assert_eq!(ViewName::parse("  Failed   today "), Ok(ViewName("Failed today".to_owned())));
        assert!(ViewName::parse(" \n").is_err() && ViewName::parse(&"x".repeat(61)).is_err());
    }
}
