//! The editor: text and media, tried with a contact and event while one types; what is typed is
//! kept until it is saved.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::form::{TemplateAction, TemplateForm, for_people};
use super::insertable::{EXAMPLES, Example};
use super::return_to::ReturnTo;
use super::saved::Saved;
use super::test_send;
use super::trial::TemplateTrial;
use crate::automations::text_check::KnownValues;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::senders::{self, Sender};
use crate::templates::drafts::{self, TemplateDraft};
use crate::templates::{self, NewTemplate, Template, versions, with_plain_characters};
use crate::types::id::TemplateId;
use crate::users::test_phone;
use crate::web::http::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Access, Form, Marketer, Page, PageResult, Query, Viewer, Visit};

/// The editor of a new template or of a saved one.
#[derive(Debug, Serialize)]
pub(in crate::web) struct TemplateEditPage {
    saved: Option<Saved>,
    pub(super) form: TemplateForm,
    errors: FieldErrors,
    senders: Vec<Choice>,
    /// Whether media can be sent at all; unknown while there is no sender.
    no_sender_has_mms: bool,
    #[serde(flatten)]
    trial: TemplateTrial,
    draft: Option<Kept>,
    examples: &'static [Example],
}

/// What was left unsaved, and is shown instead of what is saved.
#[derive(Debug, Serialize)]
struct Kept {
    updated_at: DateTime<Utc>,
    /// The version that it changes.
    version: i32,
}

/// How the editor of a new template is opened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opening {
    return_to: String,
}

pub(super) async fn blank(visit: Visit<Marketer>, opening: Query<Opening>) -> PageResult {
    show(visit, None, &opening).await
}

pub(super) async fn open(
    visit: Visit<Viewer>,
    id: Path<TemplateId>,
    opening: Query<Opening>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    show(visit, Some(template), &opening).await
}

/// Shows what the user has left unsaved, else what is saved.
async fn show<R: Access<Who = crate::users::User>>(
    visit: Visit<R>,
    template: Option<Template>,
    opening: &Opening,
) -> PageResult {
    let return_to = ReturnTo::parse(&opening.return_to)
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default();
    let mut form =
        TemplateForm { return_to, ..template.as_ref().map(TemplateForm::of).unwrap_or_default() };
    let draft = drafts::find(
        &mut *visit.conn().await?,
        visit.user.id,
        template.as_ref().map(|template| template.id),
    )
    .await?;
    let kept = draft
        .as_ref()
        .map(|draft: &TemplateDraft| Kept { updated_at: draft.updated_at, version: draft.version });
    if let Some(draft) = draft {
        form = form.with_draft(draft);
    }
    let page =
        TemplateEditPage::load(&visit, template.as_ref(), form, FieldErrors::default()).await?;
    visit.page(&TemplateEditPage { draft: kept, ..page })
}

pub(super) async fn create(visit: Visit<Marketer>, form: Form<TemplateForm>) -> PageResult {
    submit(visit, None, form.into_inner()).await
}

pub(super) async fn change(
    visit: Visit<Marketer>,
    id: Path<TemplateId>,
    form: Form<TemplateForm>,
) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner().over(&template);
    submit(visit, Some(template), form).await
}

async fn submit(
    visit: Visit<Marketer>,
    template: Option<Template>,
    mut form: TemplateForm,
) -> PageResult {
    keep(&mut *visit.conn().await?, &visit, template.as_ref(), &form).await?;
    match form.action() {
        TemplateAction::Save => return save(visit, template, form).await,
        TemplateAction::SendTest => return send_test(visit, template, form).await,
        TemplateAction::Plain => form.body = with_plain_characters(&form.body),
        TemplateAction::Insert => form.body.push_str(&std::mem::take(&mut form.insert)),
        TemplateAction::Preview => {}
    }
    keep(&mut *visit.conn().await?, &visit, template.as_ref(), &form).await?;
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
        Ok(message) => test_send::lead_to(&visit, message, template.as_ref(), &form),
        Err(errors) => {
            let page = TemplateEditPage::load(&visit, template.as_ref(), form, errors).await?;
            visit.invalid(&page)
        }
    }
}

/// Keeps what is typed for when the user comes back; none where there is nothing to keep.
pub(super) async fn keep(
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
    Ok(Some(drafts::keep(conn, user, id, &form.draft(visit.now())).await?))
}

/// Saves, unless somebody else has saved another text in the meantime: that is told first.
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
                    let present = templates::lock(conn, id).await?;
                    let new = form.clone().over(&present).parse().map_err(Error::Invalid)?;
                    if present.version != form.version && !new.is_text_of(&present) {
                        return Err(overtaken(conn, &present).await?);
                    }
                    if !new.is_text_of(&present) {
                        check(conn, &new, Some(id)).await?;
                    }
                    templates::update(conn, &actor, id, new, now).await?
                }
                None => {
                    let new = form.parse().map_err(Error::Invalid)?;
                    check(conn, &new, None).await?;
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
            let done = match template {
                Some(before) if before.version != saved.version => {
                    format!("Template saved as version {}.", saved.version)
                }
                _ => "Template saved.".to_owned(),
            };
            let path = form.return_to().map_or_else(
                || format!("/templates/{}", saved.id),
                |return_to| return_to.with(saved.id),
            );
            visit.redirect(path).flash(done)
        }
        Err(Error::Invalid(errors)) => {
            if let Some(present) =
                template.as_ref().filter(|_| errors.iter().any(|(field, _)| field == "form"))
            {
                form.version = present.version;
            }
            let page = TemplateEditPage::load(&visit, template.as_ref(), form, errors).await?;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses what fails for every message, by what was reported lately.
async fn check(conn: &mut Conn, new: &NewTemplate, id: Option<TemplateId>) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    KnownValues::load(conn, new, id).await?.check(new, &mut errors);
    for_people(&errors).into_result()
}

/// What is said to somebody whose text began with a version that is not the newest any more.
async fn overtaken(conn: &mut Conn, present: &Template) -> Result<Error, Error> {
    let newest = versions::find(conn, present.id, present.version).await?;
    let (number, who) = (newest.number, newest.author.unwrap_or_else(|| "A program".to_owned()));
    Ok(Error::field(
        "form",
        format!(
            "{who} has saved version {number} while you were writing. Your text is kept: press \
             Save again to make it version {}, or look at the versions first.",
            number + 1
        ),
    ))
}

pub(super) fn none_has_mms(senders: &[Sender]) -> bool {
    !senders.is_empty() && !senders.iter().any(|sender| sender.mms_capable)
}

impl TemplateEditPage {
    /// The page with its choices and, if the text can be read, its preview; what is wrong with
    /// either is added to `errors`.
    pub(super) async fn load<R: Access<Who = crate::users::User>>(
        visit: &Visit<R>,
        template: Option<&Template>,
        mut form: TemplateForm,
        mut errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let saved = match template {
            Some(template) => Some(Saved::load(&mut conn, template).await?),
            None => None,
        };
        let way = saved.as_ref().map(Saved::way).unwrap_or_default();
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
        if form.to.is_empty() {
            form.to = test_phone::find(&mut conn, visit.user.id)
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
            trial,
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
