//! The settings of a source: its name, how its requests are checked, its key, and what stops it.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::show::{KeyView, MAX_ACTIONS};
use super::source_view::SourceView;
use super::verification_form::{VerificationForm, VerificationMethod};
use crate::automations::{self, AutomationStatus};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::sources::{self, Source, SourceKind, SourcePatch, source_key};
use crate::types::id::SourceId;
use crate::web::http::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The settings of a source.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SourceSettingsPage {
    source: SourceView,
    form: SourceForm,
    errors: FieldErrors,
    methods: Vec<Choice>,
    /// Whether a secret is stored.
    has_secret: bool,
    keys: Vec<KeyView>,
    /// The number of its actions that are active: they have to be paused before it is deleted.
    active_actions: usize,
}

/// The input of the form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SourceForm {
    name: String,
    #[serde(flatten)]
    verification: VerificationForm,
}

pub(super) async fn show(visit: Visit<Admin>, id: Path<SourceId>) -> PageResult {
    let source = sources::find(&mut *visit.conn().await?, *id).await?;
    let form = SourceForm::of(&source);
    let page = SourceSettingsPage::load(&visit, &source, form, FieldErrors::default()).await?;
    visit.page(&page)
}

pub(super) async fn save(
    visit: Visit<Admin>,
    id: Path<SourceId>,
    form: Form<SourceForm>,
) -> PageResult {
    let source = sources::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner();
    match update(&mut *visit.conn().await?, &visit, &source, &form).await {
        Ok(_) => visit.redirect(format!("/sources/{id}/settings")).flash("Settings saved."),
        Err(Error::Invalid(errors)) => {
            let errors = form.verification.errors(&errors);
            let page = SourceSettingsPage::load(&visit, &source, form, errors).await?;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn update(
    conn: &mut Conn,
    visit: &Visit<Admin>,
    source: &Source,
    form: &SourceForm,
) -> Result<Source, Error> {
    let (actor, now, secret_key) = (visit.actor(), visit.now(), &visit.context.secret_key);
    let verification = match source.kind {
        SourceKind::Segment => None,
        SourceKind::Webhook => Some(form.verification.read().map_err(Error::Invalid)?),
    };
    let patch =
        SourcePatch { name: Some(form.name.clone()), verification, ..SourcePatch::default() };
    conn.transaction::<_, Error, _>(async |conn| {
        sources::update(conn, &actor, source.id, patch, secret_key, now).await
    })
    .await
}

impl SourceForm {
    fn of(source: &Source) -> Self {
        let verification = VerificationForm::of(&source.verification);
        Self { name: source.name.clone(), verification }
    }
}

impl SourceSettingsPage {
    async fn load(
        visit: &Visit<Admin>,
        source: &Source,
        form: SourceForm,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let keys = source_key::accepted_keys(&mut conn, source.id, visit.now()).await?;
        let actions = automations::of_source(&mut conn, source.id, MAX_ACTIONS).await?;
        drop(conn);
        let is_active =
            |action: &&automations::Automation| action.status == AutomationStatus::Active;
        Ok(Self {
            source: SourceView::new(source, &visit.context.config.public_url),
            form,
            errors,
            methods: VerificationMethod::choices(),
            has_secret: source.verification_secret.is_some(),
            keys: KeyView::all(keys),
            active_actions: actions.iter().filter(is_active).count(),
        })
    }
}

impl Page for SourceSettingsPage {
    const TEMPLATE: &'static str = "ui/sources/settings.html";
}

#[cfg(debug_assertions)]
#[path = "samples/settings.rs"]
mod samples;
