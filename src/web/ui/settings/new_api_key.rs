//! The form for a new API key, which is then shown once.

use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::role_choices::roles;
use super::secret_to_copy::SecretToCopyPage;
use crate::error::{Error, FieldErrors};
use crate::users::{Role, api_keys};
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The form for a new API key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeyForm {
    name: String,
    role: String,
}

/// The page that creates an API key.
#[derive(Debug, Serialize)]
pub(in crate::web) struct NewApiKeyPage {
    form: KeyForm,
    roles: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn new(visit: Visit<Admin>) -> PageResult {
    let form = KeyForm { role: Role::Marketer.as_str().to_owned(), ..KeyForm::default() };
    visit.page(&NewApiKeyPage::new(form, FieldErrors::default()))
}

pub(super) async fn create(visit: Visit<Admin>, form: Form<KeyForm>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let created = match form.role.parse::<Role>() {
        Ok(role) => {
            conn.transaction::<_, Error, _>(async |conn| {
                api_keys::create(conn, &actor, &form.name, role, now).await
            })
            .await
        }
        Err(error) => Err(Error::field("role", error.to_string())),
    };
    match created {
        Ok((key, secret)) => {
            let (secret, public_url) = (secret.expose(), &visit.context.config.public_url);
            let page = SecretToCopyPage::key(&key.name, key.role, secret.to_owned(), public_url);
            visit.page(&page)
        }
        Err(Error::Invalid(errors)) => {
            visit.invalid(&NewApiKeyPage::new(form.into_inner(), errors))
        }
        Err(error) => Err(error.into()),
    }
}

impl NewApiKeyPage {
    fn new(form: KeyForm, errors: FieldErrors) -> Self {
        Self { form, roles: roles(), errors }
    }
}

impl Page for NewApiKeyPage {
    const TEMPLATE: &'static str = "ui/settings/new_api_key.html";
}

#[cfg(debug_assertions)]
#[path = "samples/new_api_key.rs"]
mod samples;
