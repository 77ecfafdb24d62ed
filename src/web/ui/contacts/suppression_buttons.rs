//! The buttons that suppress a contact's number and lift suppressions, each with a written reason.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Deserialize;

use super::show::{self, FormInput, facts_path};
use crate::automations::consequences;
use crate::consent::{Evidence, Reason, Requester};
use crate::error::{Error, FieldErrors};
use crate::types::id::ContactId;
use crate::users::User;
use crate::users::audit::{self, AuditKind};
use crate::web::http::access::Access;
use crate::web::{Admin, Form, Marketer, PageResult, Visit};
use crate::{contacts, db};

const MAX_NOTE: usize = 500;

/// The reason. Each form has its own field, since all forms can be on one page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NoteForm {
    #[serde(rename = "suppress_note")]
    suppress: String,
    #[serde(rename = "lift_note")]
    lift: String,
    #[serde(rename = "stop_note")]
    stop: String,
    #[serde(rename = "undo_note")]
    undo: String,
}

impl NoteForm {
    fn input(&self) -> FormInput {
        let Self { suppress, lift, stop, undo } = self;
        let input = FormInput {
            suppress_note: suppress.clone(),
            lift_note: lift.clone(),
            stop_note: stop.clone(),
            ..FormInput::default()
        };
        FormInput { undo_note: undo.clone(), ..input }
    }
}

/// Suppresses the number for a reason of the user, not of the contact.
pub(super) async fn suppress(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<NoteForm>,
) -> PageResult {
    let note = match read_note(&form.suppress) {
        Ok(note) => note,
        Err(message) => {
            return show::show_with_errors(
                visit,
                *id,
                form.input(),
                FieldErrors::default().with("suppress_note", message),
            )
            .await;
        }
    };
    let (now, requester, actor) = (visit.now(), Requester::user(visit.user.id), visit.actor());
    let mut conn = visit.conn().await?;
    db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let contact = contacts::find(&mut tx, *id).await?;
        let evidence = Evidence {
            note: Some(note),
            ..Evidence::new(contact.phone.clone(), Reason::Manual, requester)
        };
        let suppressed = contacts::suppress(&mut tx, evidence, now).await?;
        let summary = "suppressed the number of a contact";
        audit::record(&mut tx, &actor, AuditKind::Contact, Some(id.0), summary, now).await?;
        let numbers = [(contact.phone, Reason::Manual)];
        consequences::react_to_changes(tx, &suppressed.changes, &numbers, now).await?;
        Ok::<_, Error>(())
    })
    .await?;
    drop(conn);
    visit.redirect(facts_path(*id)).flash("Number suppressed. It gets no more messages.")
}

/// Lifts the suppressions that are no opt-out of the contact.
pub(super) async fn lift(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<NoteForm>,
) -> PageResult {
    let reasons: Vec<_> =
        Reason::ALL.iter().copied().filter(|reason| !reason.is_opt_out()).collect();
    let note = read_note(&form.lift)
        .map_err(|message| (FieldErrors::default().with("lift_note", message), form.input()));
    lift_all(visit, *id, &reasons, note).await
}

/// Lifts the contact's own opt-out, which only an admin may do.
pub(super) async fn lift_stop(
    visit: Visit<Admin>,
    id: Path<ContactId>,
    form: Form<NoteForm>,
) -> PageResult {
    let note = read_note(&form.stop)
        .map_err(|message| (FieldErrors::default().with("stop_note", message), form.input()));
    lift_all(visit, *id, Reason::OPT_OUTS, note).await
}

/// Undoes an opt-out that was detected in a contact's words, when a user reads them otherwise.
pub(super) async fn undo_reading(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<NoteForm>,
) -> PageResult {
    let note = match read_note(&form.undo) {
        Ok(note) => note,
        Err(message) => {
            return show::show_with_errors(
                visit,
                *id,
                form.input(),
                FieldErrors::default().with("undo_note", message),
            )
            .await;
        }
    };
    let (now, requester, actor) = (visit.now(), Requester::user(visit.user.id), visit.actor());
    let mut conn = visit.conn().await?;
    let lifted = conn
        .transaction(async |conn| {
            let contact = contacts::find(conn, *id).await?;
            let evidence = Evidence {
                note: Some(note),
                ..Evidence::new(contact.phone, Reason::Stop, requester)
            };
            let lifted = contacts::undo_reading(conn, evidence, now).await?;
            if !lifted.reasons.is_empty() {
                let summary = "undid an opt-out that Carillon read from a text";
                audit::record(conn, &actor, AuditKind::Contact, Some(id.0), summary, now).await?;
            }
            Ok::<_, Error>(lifted)
        })
        .await?;
    drop(conn);
    let redirect = visit.redirect(facts_path(*id));
    if lifted.reasons.is_empty() {
        return redirect
            .warning("Nothing to undo. They texted an opt-out word, or it was undone already.");
    }
    redirect.flash("Undone. The opt-out no longer holds.")
}

async fn lift_all<R: Access<Who = User>>(
    visit: Visit<R>,
    id: ContactId,
    reasons: &[Reason],
    note: Result<String, (FieldErrors, FormInput)>,
) -> PageResult {
    let note = match note {
        Ok(note) => note,
        Err((errors, input)) => return show::show_with_errors(visit, id, input, errors).await,
    };
    let (now, requester, actor) = (visit.now(), Requester::user(visit.user.id), visit.actor());
    let mut conn = visit.conn().await?;
    let lifted = conn
        .transaction(async |conn| {
            let contact = contacts::find(conn, id).await?;
            let evidence = Evidence {
                note: Some(note),
                ..Evidence::new(contact.phone, Reason::Manual, requester)
            };
            let lifted = contacts::lift(conn, reasons, evidence, now).await?;
            if !lifted.reasons.is_empty() {
                let ended: Vec<_> = lifted.reasons.iter().map(|reason| reason.noun()).collect();
                let summary = format!("lifted from the number of a contact: {}", ended.join(", "));
                audit::record(conn, &actor, AuditKind::Contact, Some(id.0), &summary, now).await?;
            }
            Ok::<_, Error>(lifted)
        })
        .await?;
    drop(conn);
    let redirect = visit.redirect(facts_path(id));
    match lifted.reasons.as_slice() {
        [] => redirect.warning("Nothing to lift. It may have been lifted already."),
        reasons => {
            let ended: Vec<_> = reasons.iter().map(|reason| reason.noun()).collect();
            redirect.flash(format!("Lifted: {}.", ended.join(", ")))
        }
    }
}

fn read_note(raw: &str) -> Result<String, String> {
    let note = raw.split_whitespace().collect::<Vec<_>>().join(" ");
    match note.chars().count() {
        0 => Err("Write why. It is kept as evidence.".to_owned()),
        length if length > MAX_NOTE => Err(format!("Use at most {MAX_NOTE} characters.")),
        _ if note.chars().any(char::is_control) => Err("Remove the control characters.".to_owned()),
        _ => Ok(note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_to_be_written() {
        assert!(read_note(" \n ").is_err());
        assert!(read_note(&"x".repeat(501)).is_err());
        assert_eq!(read_note(" asked on\nthe phone "), Ok("asked on the phone".to_owned()));
    }
}
