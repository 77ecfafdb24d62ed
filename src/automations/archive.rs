//! Archives and restores automations.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::automation::{Automation, AutomationStatus, lock};
use crate::db::Conn;
use crate::db::schema::automations;
use crate::error::Result;
use crate::types::id::AutomationId;
use crate::users::audit::{self, Actor, AuditKind};

/// Archives an automation: it is no longer listed, and pauses if it is active. Returns it as it was
/// before. Must run in the caller's transaction.
pub async fn archive(
    conn: &mut Conn,
    actor: &Actor,
    id: AutomationId,
    now: DateTime<Utc>,
) -> Result<Automation> {
    let before = lock(conn, id).await?;
    if before.archived_at.is_some() {
        return Ok(before);
    }
    let status = match before.status {
        AutomationStatus::Active => AutomationStatus::Paused,
        other => other,
    };
    diesel::update(automations::table.find(id))
        .set((
            automations::archived_at.eq(Some(now)),
            automations::status.eq(status),
            automations::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let summary = format!("archived the automation “{}”", before.name);
    audit::record(conn, actor, AuditKind::Automation, Some(id.0), &summary, now).await?;
    Ok(before)
}

/// Takes an automation out of the archive; it stays a draft, or paused. Must run in the caller's
/// transaction.
pub async fn unarchive(
    conn: &mut Conn,
    actor: &Actor,
    id: AutomationId,
    now: DateTime<Utc>,
) -> Result<()> {
    let before = lock(conn, id).await?;
    if before.archived_at.is_none() {
        return Ok(());
    }
    diesel::update(automations::table.find(id))
        .set((automations::archived_at.eq(None::<DateTime<Utc>>), automations::updated_at.eq(now)))
        .execute(conn)
        .await?;
    let summary = format!("unarchived the automation “{}”", before.name);
    audit::record(conn, actor, AuditKind::Automation, Some(id.0), &summary, now).await
}
