//! The part of the editor that follows what is typed, and keeps it.

use actix_web::web::Path;
use serde::Serialize;

use super::edit::{keep, none_has_mms};
use super::form::TemplateForm;
use super::saved::Way;
use super::trial::TemplateTrial;
use crate::error::FieldErrors;
use crate::senders;
use crate::templates::{self, Template};
use crate::types::id::TemplateId;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The part of the page that follows what is typed.
#[derive(Debug, Serialize)]
pub(super) struct LivePage {
    form: TemplateForm,
    errors: FieldErrors,
    no_sender_has_mms: bool,
    #[serde(flatten)]
    trial: TemplateTrial,
    /// Whether what is typed is kept; none where it is what is saved.
    kept: Option<bool>,
}

/// What a new template asks for while one types.
pub(super) async fn try_new(visit: Visit<Marketer>, form: Form<TemplateForm>) -> PageResult {
    follow(visit, None, form.into_inner()).await
}

/// What a saved template asks for while one types.
pub(super) async fn try_change(
    visit: Visit<Marketer>,
    id: Path<TemplateId>,
    form: Form<TemplateForm>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner().over(&template);
    follow(visit, Some(template), form).await
}

async fn follow(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let kept = keep(&mut conn, &visit, template.as_ref(), &form).await?;
    let mut errors = FieldErrors::default();
    let way = Way::to(&mut conn, template.as_ref()).await?;
    let trial = TemplateTrial::load(
        &mut conn,
        &visit.organization,
        visit.zone(),
        &way,
        &mut form,
        &mut errors,
    )
    .await?;
    let senders = senders::usable(&mut conn).await?;
    drop(conn);
    visit.page(&LivePage { form, errors, no_sender_has_mms: none_has_mms(&senders), trial, kept })
}

impl Page for LivePage {
    const TEMPLATE: &'static str = "ui/templates/_live.html";
}

#[cfg(debug_assertions)]
#[path = "samples/live.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::{Pages, Samples};

    #[test]
    fn what_follows_the_typing_renders_in_each_of_its_states() {
        let pages = Pages::load(&PublicUrl::parse("https://sms.example.com").unwrap()).unwrap();
        let visit = crate::web::http::visit::Layout::sample();
        let html: Vec<_> =
            LivePage::samples().iter().map(|page| pages.render(page, &visit).unwrap()).collect();
        assert!(
            html.iter().all(|html| html.contains("<hx-partial") && !html.contains("<html")),
            "{html:#?}"
        );
        assert!(
            html[1].contains("<mark>“</mark>") && html[1].contains("A-1 &lt;b&gt;"),
            "{}",
            html[1]
        );
        assert!(html[2].contains("is not closed"), "{}", html[2]);
    }
}
