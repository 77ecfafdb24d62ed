//! The buttons that add and remove a tag of a contact.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Deserialize;

use super::bulk_tag::automations_started_by;
use super::show::{self, FormInput, facts_path};
use crate::automations::consequences;
use crate::consent::Requester;
use crate::contacts::tags::{self, TagName};
use crate::error::{Error, FieldErrors};
use crate::types::id::ContactId;
use crate::users::audit::{self, AuditKind};
use crate::web::{Form, Marketer, PageResult, Visit};
use crate::{contacts, db};

/// The form with the name of a tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TagForm {
    tag: String,
}

pub(super) async fn add(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<TagForm>,
) -> PageResult {
    let tag = match TagName::parse(&form.tag) {
        Ok(tag) => tag,
        Err(error) => {
            let input = FormInput { tag: form.into_inner().tag, ..FormInput::default() };
            return show::show_with_errors(
                visit,
                *id,
                input,
                FieldErrors::default().with("tag", error.to_string()),
            )
            .await;
        }
    };
    let (now, requester, actor) = (visit.now(), Requester::user(visit.user.id), visit.actor());
    let mut conn = visit.conn().await?;
    let tagged = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let contact = contacts::find(&mut tx, *id).await?;
        let tagged =
            tags::add_by_hand(&mut tx, &contact, std::slice::from_ref(&tag), requester, now)
                .await?;
        if !tagged.changes.is_empty() {
            let summary = format!("added the tag {tag} to a contact");
            audit::record(&mut tx, &actor, AuditKind::Contact, Some(id.0), &summary, now).await?;
        }
        let suppressed = tagged.suppressed.map(|reason| (contact.phone, reason));
        consequences::react_to_changes(tx, &tagged.changes, suppressed.as_slice(), now).await?;
        Ok::<_, Error>(tagged)
    })
    .await?;
    drop(conn);
    let redirect = visit.redirect(facts_path(*id));
    match tagged.suppressed {
        Some(_) => {
            redirect.warning("Tag added. It marks an opt-out, so the number is now suppressed.")
        }
        None if tagged.changes.is_empty() => redirect.flash("The contact had this tag already."),
        None => redirect
            .undo(format!("/contacts/{id}/tags/remove"), [("tag", tag.as_str())])
            .flash("Tag added."),
    }
}

pub(super) async fn remove(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<TagForm>,
) -> PageResult {
    let tag = TagName::existing(&form.tag).map_err(|_| Error::NotFound("tag"))?;
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let had = conn
        .transaction(async |conn| {
            let contact = contacts::find(conn, *id).await?;
            let had = tags::remove(conn, contact.id, &tag, now).await?;
            if had {
                audit::record(
                    conn,
                    &actor,
                    AuditKind::Contact,
                    Some(id.0),
                    &format!("removed the tag {tag} from a contact"),
                    now,
                )
                .await?;
            }
            Ok::<_, Error>(had)
        })
        .await?;
    let starts = automations_started_by(&mut conn, &tag).await?;
    drop(conn);
    let redirect = visit.redirect(facts_path(*id));
    if tag.is_stop() {
        return redirect.warning("Tag removed. The number stays suppressed: only the tag is gone.");
    }
    match starts.first() {
        _ if !had => redirect.flash("The contact no longer had this tag."),
        // Adding the tag again would start an automation and may text the contact: no undo for
        // that.
        Some(name) => {
            redirect.flash(format!("Tag removed. Adding it again starts “{name}” again."))
        }
        None => redirect
            .undo(format!("/contacts/{id}/tags"), [("tag", tag.as_str())])
            .flash("Tag removed."),
    }
}
