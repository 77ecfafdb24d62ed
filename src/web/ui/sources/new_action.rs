//! A new action: “When `Order Completed` arrives, send SMS”. It makes an ordinary automation with
//! its template.

use std::collections::BTreeSet;

use actix_web::web::Path;
use serde::Serialize;

use super::action_form::ActionForm;
use super::new_action_preview::{MAX_EVENTS, ShownAction};
use super::source_view::SourceView;
use crate::automations::{self, AutomationStatus};
use crate::error::{Error, FieldErrors};
use crate::events::Event;
use crate::sources::{self, Source, SourceKind};
use crate::types::id::SourceId;
use crate::web::http::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};
use crate::{db, events, senders};

/// Names of events in Segment's specification for shops, for a source that has sent none yet.
const USUAL_EVENTS: &[&str] = &[
    "Order Completed",
    "Order Cancelled",
    "Order Refunded",
    "Checkout Started",
    "Product Added",
    "Signed Up",
];

/// The page for a new action.
#[derive(Debug, Serialize)]
pub(in crate::web) struct NewActionPage {
    source: SourceView,
    form: ActionForm,
    errors: FieldErrors,
    /// The names of events that the source has sent, or usual ones.
    events: Vec<String>,
    /// What can be written as the recipient.
    recipients: &'static [&'static str],
    senders: Vec<Choice>,
    shown: ShownAction,
}

pub(super) async fn new(
    visit: Visit<Marketer>,
    id: Path<SourceId>,
    query: Query<ActionForm>,
) -> PageResult {
    let source = sources::find(&mut *visit.conn().await?, *id).await?;
    let mut form = query.into_inner();
    if form.to.is_empty() {
        recipients(source.kind)[0].clone_into(&mut form.to);
    }
    let page = NewActionPage::load(&visit, &source, form, FieldErrors::default()).await?;
    visit.page(&page)
}

pub(super) async fn submit(
    visit: Visit<Marketer>,
    id: Path<SourceId>,
    form: Form<ActionForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let form = form.into_inner();
    if form.action != "save" {
        drop(conn);
        let page = NewActionPage::load(&visit, &source, form, FieldErrors::default()).await?;
        return visit.page(&page);
    }
    let (actor, now, new) = (visit.actor(), visit.now(), form.read(source.id));
    let created = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let (automation_id, _) = sources::create_action(&mut tx, &actor, new, now).await?;
        automations::find(&mut tx, automation_id).await
    })
    .await;
    drop(conn);
    match created {
        // The text has a likely mistake, which the page of the automation names.
        Ok(created) if created.status == AutomationStatus::Draft => visit
            .redirect(format!("/automations/{}/edit", created.id))
            .warning("Saved as a draft: check the text, then switch it on."),
        Ok(_) => visit.redirect(format!("/sources/{id}/actions")).flash(format!(
            "Action saved. Each “{}” from {} sends this SMS.",
            form.event_name.trim(),
            source.name
        )),
        Err(Error::Invalid(errors)) => {
            let page = NewActionPage::load(&visit, &source, form, shown_errors(&errors)).await?;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// What can be written as the recipient, the usual one first.
const fn recipients(kind: SourceKind) -> &'static [&'static str] {
    match kind {
        SourceKind::Segment => &["$.traits.phone", "$.properties.phone", "contact.phone"],
        SourceKind::Webhook => &["contact.phone", "$.properties.phone"],
    }
}

/// The errors by the fields of the form: those of one address stand beside all.
fn shown_errors(errors: &FieldErrors) -> FieldErrors {
    const FIELDS: &[&str] = &["event_name", "to", "body", "media_urls", "sender_id", "name"];
    let mut shown = FieldErrors::default();
    for (path, messages) in errors.iter() {
        let field = path.split('.').next().unwrap_or_default();
        let field = if FIELDS.contains(&field) { field } else { "form" };
        shown.add_all(field, messages);
    }
    shown
}

impl NewActionPage {
    async fn load(
        visit: &Visit<Marketer>,
        source: &Source,
        mut form: ActionForm,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let recent = events::recent_of_source(&mut conn, source.id, MAX_EVENTS).await?;
        let senders = senders::usable(&mut conn).await?;
        drop(conn);
        let senders: Vec<Choice> = senders
            .into_iter()
            .map(|sender| Choice::new(sender.id.to_string(), sender.label()))
            .collect();
        // One of several is a decision of the user.
        if let ([only], true) = (senders.as_slice(), form.sender_id.is_empty()) {
            form.sender_id.clone_from(&only.value);
        }
        Ok(Self {
            source: SourceView::new(source, &visit.context.config.public_url),
            events: event_names(&recent, source.kind),
            recipients: recipients(source.kind),
            senders,
            shown: ShownAction::new(&form, source.kind, &recent),
            form,
            errors,
        })
    }
}

/// The names of the events, each once; usual ones if there are none.
fn event_names(recent: &[Event], kind: SourceKind) -> Vec<String> {
    let names: BTreeSet<&str> = recent.iter().map(|event| event.name.as_str()).collect();
    if names.is_empty() && kind == SourceKind::Segment {
        return USUAL_EVENTS.iter().copied().map(str::to_owned).collect();
    }
    names.into_iter().map(str::to_owned).collect()
}

impl Page for NewActionPage {
    const TEMPLATE: &'static str = "ui/sources/new_action.html";
}

#[cfg(debug_assertions)]
#[path = "samples/new_action.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_beside_the_fields_of_the_form() {
        let errors = FieldErrors::default()
            .with("media_urls.1", "a")
            .with("steps.0.to", "b")
            .with("to", "c");
        let shown =
            FieldErrors::default().with("media_urls", "a").with("form", "b").with("to", "c");
        assert_eq!(shown_errors(&errors), shown);
    }
}
