//! The part of the editor that is updated while the user types: preview and stored draft.

use actix_web::web::Path;
use serde::Serialize;

use super::edit::{none_has_mms, save_draft};
use super::form::TemplateForm;
use super::preview_defaults::PreviewDefaults;
use super::preview_panel::PreviewPanel;
use crate::error::FieldErrors;
use crate::senders;
use crate::templates::{self, Template};
use crate::types::id::TemplateId;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The part of the editor that is updated while the user types.
#[derive(Debug, Serialize)]
pub(super) struct LivePreview {
    form: TemplateForm,
    errors: FieldErrors,
    no_sender_has_mms: bool,
    #[serde(flatten)]
    preview_panel: PreviewPanel,
    /// Whether the input was stored as a draft; none if it equals the saved text.
    kept: Option<bool>,
}

/// Renders the part for a new template.
pub(super) async fn show_new(visit: Visit<Marketer>, form: Form<TemplateForm>) -> PageResult {
    show(visit, None, form.into_inner()).await
}

/// Renders the part for a saved template.
pub(super) async fn show_saved(
    visit: Visit<Marketer>,
    id: Path<TemplateId>,
    form: Form<TemplateForm>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner().rebase(&template);
    show(visit, Some(template), form).await
}

async fn show(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let kept = save_draft(&mut conn, &visit, template.as_ref(), &form).await?;
    let mut errors = FieldErrors::default();
    let defaults = PreviewDefaults::load(&mut conn, template.as_ref()).await?;
    let preview_panel = PreviewPanel::load(
        &mut conn,
        &visit.organization,
        visit.zone(),
        &defaults,
        &mut form,
        &mut errors,
    )
    .await?;
    let senders = senders::usable(&mut conn).await?;
    drop(conn);
    visit.page(&LivePreview {
        form,
        errors,
        no_sender_has_mms: none_has_mms(&senders),
        preview_panel,
        kept,
    })
}

impl Page for LivePreview {
    const TEMPLATE: &'static str = "ui/templates/_live_preview.html";
}

#[cfg(debug_assertions)]
#[path = "samples/live_preview.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::{Pages, Samples};

    #[test]
    fn the_live_part_renders_in_each_of_its_states() {
        let pages = Pages::load(&PublicUrl::parse("https://sms.example.com").unwrap()).unwrap();
        let visit = crate::web::ui::layout::Layout::sample();
        let html: Vec<_> =
            LivePreview::samples().iter().map(|page| pages.render(page, &visit).unwrap()).collect();
        assert!(
            html.iter().all(|html| html.contains("<hx-partial") && !html.contains("<html")),
            "{html:#?}"
        );
        assert!(
            html[1].contains("<mark>“</mark>") && html[1].contains("A-1 &lt;b&gt;"),
            "{}",
            html[1]
        );
        assert!(html[2].contains("Close this"), "{}", html[2]);
    }
}
