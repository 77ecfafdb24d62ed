//! The editor of a template: text and media with a live preview for a contact and an event. Unsaved
//! input is stored as a draft.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::form::{TemplateAction, TemplateForm, merge_media_errors};
use super::insertable_snippets::{EXAMPLES, Example};
use super::preview_panel::PreviewPanel;
use super::return_to::ReturnTo;
use super::saved_template::SavedTemplate;
use super::test_send;
use crate::automations::template_check::KnownValues;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::senders::{self, Sender};
use crate::templates::drafts::{self, TemplateDraft};
use crate::templates::{self, NewTemplate, Template, versions, with_plain_characters};
use crate::types::id::TemplateId;
use crate::users::test_message_phone;
use crate::web::http::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Access, Form, Marketer, Page, PageResult, Query, Viewer, Visit};

/// The page of the editor, for a new or a saved template.
#[derive(Debug, Serialize)]
pub(in crate::web) struct TemplateEditPage {
    saved: Option<SavedTemplate>,
    pub(super) form: TemplateForm,
    errors: FieldErrors,
    senders: Vec<Choice>,
    /// Whether no sender can send media; false while there are no senders.
    no_sender_has_mms: bool,
    #[serde(flatten)]
    preview_panel: PreviewPanel,
    draft: Option<ShownDraft>,
    examples: &'static [Example],
}

/// A draft that is shown instead of the saved text.
#[derive(Debug, Serialize)]
struct ShownDraft {
    updated_at: DateTime<Utc>,
    /// The version that the draft is based on.
    version: i32,
}

/// The query of the editor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EditQuery {
    return_to: String,
}

pub(super) async fn new(visit: Visit<Marketer>, query: Query<EditQuery>) -> PageResult {
    show(visit, None, &query).await
}

pub(super) async fn edit(
    visit: Visit<Viewer>,
    id: Path<TemplateId>,
    query: Query<EditQuery>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    show(visit, Some(template), &query).await
}

/// Shows the user's draft, else the saved text.
async fn show<R: Access<Who = crate::users::User>>(
    visit: Visit<R>,
    template: Option<Template>,
    query: &EditQuery,
) -> PageResult {
    let return_to =
        ReturnTo::parse(&query.return_to).map(|path| path.as_str().to_owned()).unwrap_or_default();
    let mut form =
        TemplateForm { return_to, ..template.as_ref().map(TemplateForm::of).unwrap_or_default() };
    let draft = drafts::find(
        &mut *visit.conn().await?,
        visit.user.id,
        template.as_ref().map(|template| template.id),
    )
    .await?;
    let shown_draft = draft.as_ref().map(|draft: &TemplateDraft| ShownDraft {
        updated_at: draft.updated_at,
        version: draft.version,
    });
    if let Some(draft) = draft {
        form = form.with_draft(draft);
    }
    let page =
        TemplateEditPage::load(&visit, template.as_ref(), form, FieldErrors::default()).await?;
    visit.page(&TemplateEditPage { draft: shown_draft, ..page })
}

pub(super) async fn create(visit: Visit<Marketer>, form: Form<TemplateForm>) -> PageResult {
    submit(visit, None, form.into_inner()).await
}

pub(super) async fn update(
    visit: Visit<Marketer>,
    id: Path<TemplateId>,
    form: Form<TemplateForm>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner().rebase(&template);
    submit(visit, Some(template), form).await
}

async fn submit(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    save_draft(&mut *visit.conn().await?, &visit, template.as_ref(), &form).await?;
    match form.action() {
        TemplateAction::Save => return save(visit, template, form).await,
        TemplateAction::SendTest => return send_test(visit, template, form).await,
        TemplateAction::ReplaceSpecialCharacters => form.body = with_plain_characters(&form.body),
        TemplateAction::Insert => form.body.push_str(&std::mem::take(&mut form.insert)),
        TemplateAction::Preview => {}
    }
    save_draft(&mut *visit.conn().await?, &visit, template.as_ref(), &form).await?;
    let page =
        TemplateEditPage::load(&visit, template.as_ref(), form, FieldErrors::default()).await?;
    if page.errors.is_empty() { visit.page(&page) } else { visit.invalid(&page) }
}

async fn send_test(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let sent = test_send::send(&mut conn, &visit, template.as_ref(), &mut form).await?;
    drop(conn);
    match sent {
        Ok(message) => test_send::redirect_to_message(&visit, message, template.as_ref(), &form),
        Err(errors) => {
            let page = TemplateEditPage::load(&visit, template.as_ref(), form, errors).await?;
            visit.invalid(&page)
        }
    }
}

/// Stores the input as a draft, or discards the draft if it equals the saved text. Returns whether
/// it was stored; none if there is nothing to store.
pub(super) async fn save_draft(
    conn: &mut Conn,
    visit: &Visit<Marketer>,
    template: Option<&Template>,
    form: &TemplateForm,
) -> Result<Option<bool>, PageError> {
    let (user, id) = (visit.user.id, template.map(|template| template.id));
    if form.is_saved(template) {
        drafts::discard(conn, user, id).await?;
        return Ok(None);
    }
    Ok(Some(drafts::save(conn, user, id, &form.draft(visit.now())).await?))
}

/// Saves the template. Optimistic concurrency: another user's newer version is reported first.
async fn save(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    let (now, user, actor) = (visit.now(), visit.user.id, visit.actor());
    let id = template.as_ref().map(|template| template.id);
    let mut conn = visit.conn().await?;
    let saved = conn
        .transaction(async |conn| {
            let saved = match id {
                Some(id) => {
                    let current = templates::lock(conn, id).await?;
                    let new = form.clone().rebase(&current).parse().map_err(Error::Invalid)?;
                    if current.version != form.version && !new.is_text_of(&current) {
                        return Err(version_conflict(conn, &current).await?);
                    }
                    if !new.is_text_of(&current) {
                        check_known_values(conn, &new, Some(id)).await?;
                    }
                    templates::update(conn, &actor, id, new, now).await?
                }
                None => {
                    let new = form.parse().map_err(Error::Invalid)?;
                    check_known_values(conn, &new, None).await?;
                    templates::create(conn, &actor, new, now).await?
                }
            };
            drafts::discard(conn, user, id).await?;
            Ok(saved)
        })
        .await;
    drop(conn);
    match saved {
        Ok(saved) => {
            let message = match template {
                Some(before) if before.version != saved.version => {
                    format!("Template saved as version {}.", saved.version)
                }
                _ => "Template saved.".to_owned(),
            };
            let path = form.return_to().map_or_else(
                || format!("/templates/{}", saved.id),
                |return_to| return_to.with_template(saved.id),
            );
            visit.redirect(path).flash(message)
        }
        Err(Error::Invalid(errors)) => {
            if let Some(current) =
                template.as_ref().filter(|_| errors.iter().any(|(field, _)| field == "form"))
            {
                form.version = current.version;
            }
            let page = TemplateEditPage::load(&visit, template.as_ref(), form, errors).await?;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Rejects a text that would fail for every message, judging by recently reported events.
async fn check_known_values(
    conn: &mut Conn,
    new: &NewTemplate,
    id: Option<TemplateId>,
) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    KnownValues::load(conn, new, id).await?.check(new, &mut errors);
    merge_media_errors(&errors).into_result()
}

/// The error for a text that is based on a version that is not the newest any more.
async fn version_conflict(conn: &mut Conn, current: &Template) -> Result<Error, Error> {
    let newest = versions::find(conn, current.id, current.version).await?;
    let (number, who) = (newest.number, newest.author.unwrap_or_else(|| "A program".to_owned()));
    Ok(Error::field(
        "form",
        format!(
            "{who} saved version {number} while you were writing. Your text is kept. Save again \
             to make it version {}, or compare the versions first.",
            number + 1
        ),
    ))
}

pub(super) fn none_has_mms(senders: &[Sender]) -> bool {
    !senders.is_empty() && !senders.iter().any(|sender| sender.mms_capable)
}

impl TemplateEditPage {
    /// Loads the page with its select boxes and, if the text parses, its preview. Errors of both
    /// are added to `errors`.
    pub(super) async fn load<R: Access<Who = crate::users::User>>(
        visit: &Visit<R>,
        template: Option<&Template>,
        mut form: TemplateForm,
        mut errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let saved = match template {
            Some(template) => Some(SavedTemplate::load(&mut conn, template).await?),
            None => None,
        };
        let defaults = saved.as_ref().map(SavedTemplate::preview_defaults).unwrap_or_default();
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
        if form.to.is_empty() {
            form.to = test_message_phone::find(&mut conn, visit.user.id)
                .await?
                .map(|phone| phone.international())
                .unwrap_or_default();
        }
        drop(conn);
        if form.request_key.is_empty() {
            form.request_key = Uuid::now_v7().to_string();
        }
        if let ([only], true) = (senders.as_slice(), form.sender_id.is_empty()) {
            form.sender_id = only.id.to_string();
        }
        let no_sender_has_mms = none_has_mms(&senders);
        let senders = senders
            .into_iter()
            .map(|sender| Choice::new(sender.id.to_string(), sender.name))
            .collect();
        Ok(Self {
            saved,
            form,
            errors,
            senders,
            no_sender_has_mms,
            preview_panel,
            draft: None,
            examples: EXAMPLES,
        })
    }
}

impl Page for TemplateEditPage {
    const TEMPLATE: &'static str = "ui/templates/edit.html";
}

#[cfg(debug_assertions)]
#[path = "samples/edit.rs"]
mod samples;
