//! A new source: first its kind as a card, then a form with what that kind needs.

use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::source_choices::SourceChoice;
use super::source_key::SourceKeyPage;
use crate::error::{Error, FieldErrors};
use crate::sources::{self, NewSource};
use crate::web::ui::typed_secret::TypedSecret;
use crate::web::{Admin, Form, Page, PageResult, Query, Visit};

/// The page for a new source.
#[derive(Debug, Serialize)]
pub(in crate::web) struct NewSourcePage {
    choices: Vec<SourceChoice>,
    /// The chosen card; without one, the page shows all cards.
    chosen: Option<SourceChoice>,
    form: NewSourceForm,
    errors: FieldErrors,
}

/// The input of the form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct NewSourceForm {
    /// The chosen card.
    from: String,
    name: String,
    #[serde(skip_serializing)]
    secret: TypedSecret,
}

pub(super) async fn new(visit: Visit<Admin>, query: Query<NewSourceForm>) -> PageResult {
    let chosen = SourceChoice::find(&query.from);
    let name = chosen.as_ref().map(|choice| choice.name.to_owned()).unwrap_or_default();
    let form =
        NewSourceForm { from: query.into_inner().from, name, secret: TypedSecret::default() };
    visit.page(&NewSourcePage::new(chosen, form, FieldErrors::default()))
}

pub(super) async fn create(visit: Visit<Admin>, form: Form<NewSourceForm>) -> PageResult {
    let form = form.into_inner();
    let Some(choice) = SourceChoice::find(&form.from) else {
        return visit.redirect("/sources/new").warning("Choose one of these.");
    };
    let (actor, now, secret_key) = (visit.actor(), visit.now(), &visit.context.secret_key);
    let new = form.read(&choice);
    let mut conn = visit.conn().await?;
    let created = conn
        .transaction::<_, Error, _>(async |conn| {
            sources::create(conn, &actor, new, secret_key, now).await
        })
        .await;
    drop(conn);
    match created {
        Ok((source, _)) if choice.secret_help.is_some() => visit
            .redirect(format!("/sources/{}", source.id))
            .flash(format!("Source created. Copy its address to {}.", choice.name)),
        Ok((source, secret)) => {
            let public_url = &visit.context.config.public_url;
            let page = SourceKeyPage::created(&source, secret.expose(), public_url);
            visit.page(&page)
        }
        Err(Error::Invalid(errors)) => {
            visit.invalid(&NewSourcePage::new(Some(choice), form, shown(&errors)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The errors by the fields of the form; what has no field there concerns the form as a whole.
fn shown(errors: &FieldErrors) -> FieldErrors {
    let mut shown = FieldErrors::default();
    for (path, messages) in errors.iter() {
        let field = match path {
            "name" => "name",
            "verification.secret" | "secret" => "secret",
            _ => "form",
        };
        for message in messages {
            shown.add(field, message);
        }
    }
    shown
}

impl NewSourceForm {
    fn read(&self, choice: &SourceChoice) -> NewSource {
        let verification = choice.preset.map(|preset| {
            let mut json = preset.verification.clone();
            if choice.secret_help.is_some() && !self.secret.0.trim().is_empty() {
                json["secret"] = self.secret.0.trim().into();
            }
            json
        });
        NewSource {
            name: self.name.clone(),
            kind: choice.kind,
            enabled: true,
            mapping: choice.preset.map(|preset| preset.mapping.clone()),
            verification,
        }
    }
}

impl NewSourcePage {
    fn new(chosen: Option<SourceChoice>, form: NewSourceForm, errors: FieldErrors) -> Self {
        Self { choices: SourceChoice::all(), chosen, form, errors }
    }
}

impl Page for NewSourcePage {
    const TEMPLATE: &'static str = "ui/sources/new_source.html";
}

#[cfg(debug_assertions)]
#[path = "samples/new_source.rs"]
mod samples;
