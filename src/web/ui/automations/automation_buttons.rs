//! The buttons that act on a whole automation: duplicating, archiving and deleting it.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::Deserialize;

use super::activation_problems::error_messages;
use crate::automations::{self, Automation, AutomationChange, AutomationStatus};
use crate::db::{self, Conn};
use crate::error::Error;
use crate::types::id::AutomationId;
use crate::users::audit::Actor;
use crate::web::{Form, Marketer, PageResult, Visit};

/// The input of the button that takes an automation out of the archive.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UnarchiveForm {
    /// `true` if it was active before it was archived, and is switched on again.
    activate: String,
}

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
    let was_active = before.status == AutomationStatus::Active;
    let text = if was_active { "Automation paused and archived." } else { "Automation archived." };
    visit
        .redirect(format!("/automations/{id}"))
        .undo(format!("/automations/{id}/unarchive"), was_active.then_some(("activate", "true")))
        .flash(text)
}

pub(super) async fn unarchive(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    form: Form<UnarchiveForm>,
) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let redirect =
        visit.redirect(format!("/automations/{id}")).undo(format!("/automations/{id}/archive"), []);
    let mut reasons = Vec::new();
    if form.activate == "true" {
        match unarchive_and_activate(&mut conn, &actor, *id, now).await {
            Ok(_) => {
                return redirect.flash("Automation unarchived and switched on again.");
            }
            // What keeps it from running does not keep it in the archive.
            Err(Error::Invalid(errors)) => reasons = error_messages(&errors),
            Err(other) => return Err(other.into()),
        }
    }
    conn.transaction(async |conn| automations::unarchive(conn, &actor, *id, now).await).await?;
    let text = "Automation unarchived. It is not switched on.";
    if reasons.is_empty() {
        redirect.flash(text)
    } else {
        redirect.warning(format!("{text} {}", reasons.join(" ")))
    }
}

/// Makes an automation again what it was before it was paused and archived.
async fn unarchive_and_activate(
    conn: &mut Conn,
    actor: &Actor,
    id: AutomationId,
    now: DateTime<Utc>,
) -> Result<Automation, Error> {
    let status = Some(AutomationStatus::Active);
    let change = AutomationChange { status, ..AutomationChange::default() };
    db::transaction(conn, async |tx| {
        let mut tx = tx.open();
        automations::unarchive(&mut tx, actor, id, now).await?;
        automations::update(tx, actor, id, change, now).await
    })
    .await
}

pub(super) async fn delete(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    conn.transaction(async |conn| automations::delete(conn, &actor, *id, now).await).await?;
    visit.redirect("/automations").flash("Automation deleted.")
}
