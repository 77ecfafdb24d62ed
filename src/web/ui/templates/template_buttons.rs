//! The buttons that act on a whole template: archiving, unarchiving, duplicating it, and discarding
//! a draft.

use actix_web::web::Path;
use diesel_async::AsyncConnection;

use super::preview_defaults::MAX_USES;
use crate::automations::template_uses::{self, TemplateUse};
use crate::templates::{self, drafts};
use crate::types::id::TemplateId;
use crate::web::{Marketer, PageResult, Visit};

pub(super) async fn archive(visit: Visit<Marketer>, id: Path<TemplateId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    conn.transaction(async |conn| templates::archive(conn, &actor, *id, now).await).await?;
    let uses = template_uses::of_template(&mut conn, *id, MAX_USES).await?;
    visit
        .redirect(format!("/templates/{id}"))
        .undo(format!("/templates/{id}/unarchive"), [])
        .flash(format!("Template archived. {}", uses_text(&uses)))
}

pub(super) async fn unarchive(visit: Visit<Marketer>, id: Path<TemplateId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    visit
        .conn()
        .await?
        .transaction(async |conn| templates::unarchive(conn, &actor, *id, now).await)
        .await?;
    visit
        .redirect(format!("/templates/{id}"))
        .undo(format!("/templates/{id}/archive"), [])
        .flash("Template unarchived.")
}

pub(super) async fn duplicate(visit: Visit<Marketer>, id: Path<TemplateId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let copy =
        conn.transaction(async |conn| templates::duplicate(conn, &actor, *id, now).await).await?;
    visit
        .redirect(format!("/templates/{}", copy.id))
        .flash(format!("This is the copy: “{}”.", copy.name))
}

pub(super) async fn discard(visit: Visit<Marketer>, id: Path<TemplateId>) -> PageResult {
    drafts::discard(&mut *visit.conn().await?, visit.user.id, Some(*id)).await?;
    visit.redirect(format!("/templates/{id}")).flash("Draft discarded. This is the saved text.")
}

pub(super) async fn discard_new(visit: Visit<Marketer>) -> PageResult {
    drafts::discard(&mut *visit.conn().await?, visit.user.id, None).await?;
    visit.redirect("/templates").flash("The unsaved template is discarded.")
}

/// A sentence about the automations that send a template, shown when it is archived.
fn uses_text(used: &[TemplateUse]) -> String {
    let names: Vec<_> = used.iter().map(|used| format!("“{}”", used.automation.name)).collect();
    match names.as_slice() {
        [] => "No automation uses it.".to_owned(),
        [name] => format!("{name} keeps sending it."),
        [some @ .., last] if some.len() < 4 => {
            format!("{} and {last} keep sending it.", some.join(", "))
        }
        many => format!("{} automations keep sending it.", many.len()),
    }
}
