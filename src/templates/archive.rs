//! Archives and restores templates.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::template::lock;
use crate::db::Conn;
use crate::db::schema::templates;
use crate::error::Result;
use crate::types::id::TemplateId;
use crate::users::audit::{self, Actor, AuditKind};

/// Archives a template: it is no longer offered, but still sent where it is in use. Must run in the
/// caller's transaction.
pub async fn archive(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    now: DateTime<Utc>,
) -> Result<()> {
    set_archived(conn, actor, id, Some(now), now).await
}

/// Restores an archived template. Must run in the caller's transaction.
pub async fn unarchive(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    now: DateTime<Utc>,
) -> Result<()> {
    set_archived(conn, actor, id, None, now).await
}

async fn set_archived(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    archived_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let before = lock(conn, id).await?;
    if before.archived_at.is_some() == archived_at.is_some() {
        return Ok(());
    }
    diesel::update(templates::table.find(id))
        .set((templates::archived_at.eq(archived_at), templates::updated_at.eq(now)))
        .execute(conn)
        .await?;
    let action =
        if archived_at.is_some() { "archived the template" } else { "unarchived the template" };
    audit::record(
        conn,
        actor,
        AuditKind::Template,
        Some(id.0),
        &format!("{action} {}", before.name),
        now,
    )
    .await
}
