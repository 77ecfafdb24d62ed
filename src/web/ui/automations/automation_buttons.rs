//! The buttons that act on a whole automation: duplicating, archiving and deleting it.

use actix_web::web::Path;
use diesel_async::AsyncConnection;

use crate::automations::{self, AutomationStatus};
use crate::types::id::AutomationId;
use crate::web::{Marketer, PageResult, Visit};

pub(super) async fn duplicate(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let copy =
        conn.transaction(async |conn| automations::duplicate(conn, &actor, *id, now).await).await?;
    visit
        .redirect(format!("/automations/{}/edit", copy.id))
        .flash(format!("This is the copy: “{}”. It is a draft.", copy.name))
}

pub(super) async fn archive(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let before =
        conn.transaction(async |conn| automations::archive(conn, &actor, *id, now).await).await?;
    let text = if before.status == AutomationStatus::Active {
        "Automation paused and archived."
    } else {
        "Automation archived."
    };
    visit
        .redirect(format!("/automations/{id}"))
        .undo(format!("/automations/{id}/unarchive"), [])
        .flash(text)
}

pub(super) async fn unarchive(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    conn.transaction(async |conn| automations::unarchive(conn, &actor, *id, now).await).await?;
    visit
        .redirect(format!("/automations/{id}"))
        .undo(format!("/automations/{id}/archive"), [])
        .flash("Automation taken out of the archive. It is not switched on.")
}

pub(super) async fn delete(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    conn.transaction(async |conn| automations::delete(conn, &actor, *id, now).await).await?;
    visit.redirect("/automations").flash("Automation deleted.")
}
