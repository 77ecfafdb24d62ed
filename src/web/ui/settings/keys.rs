//! Keys of the JSON API: which there are, a new one, revoking one.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::LinkPage;
use super::roles::roles;
use crate::error::{Error, FieldErrors};
use crate::types::id::ApiKeyId;
use crate::users::Role;
use crate::users::api_keys::{self, ApiKey};
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Varies, Visit};

/// All keys, those that are accepted first.
#[derive(Debug, Serialize)]
pub(in crate::web) struct KeysPage {
    keys: Vec<ApiKey>,
    revoked: Vec<ApiKey>,
}

/// What is typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeyForm {
    name: String,
    role: String,
}

/// The form for a key.
#[derive(Debug, Serialize)]
pub(in crate::web) struct NewKeyPage {
    form: KeyForm,
    roles: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn list(visit: Visit<Admin>) -> PageResult {
    let all = api_keys::list(&mut *visit.conn().await?).await?;
    let (keys, revoked) = all.into_iter().partition(|key| key.revoked_at.is_none());
    visit.page(&KeysPage { keys, revoked })
}

pub(super) async fn new(visit: Visit<Admin>) -> PageResult {
    let form = KeyForm { role: Role::Marketer.as_str().to_owned(), ..KeyForm::default() };
    visit.page(&NewKeyPage::new(form, FieldErrors::default()))
}

pub(super) async fn create(visit: Visit<Admin>, form: Form<KeyForm>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let made = match form.role.parse::<Role>() {
        Ok(role) => {
            conn.transaction::<_, Error, _>(async |conn| {
                api_keys::create(conn, &actor, &form.name, role, now).await
            })
            .await
        }
        Err(error) => Err(Error::field("role", error.to_string())),
    };
    match made {
        Ok((key, secret)) => visit.page(&LinkPage::key(&key.name, secret.expose().to_owned())),
        Err(Error::Invalid(errors)) => visit.invalid(&NewKeyPage::new(form.into_inner(), errors)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke(visit: Visit<Admin>, id: Path<ApiKeyId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let key = conn
        .transaction::<_, Error, _>(async |conn| api_keys::revoke(conn, &actor, *id, now).await)
        .await?;
    visit
        .redirect("/settings/keys")
        .flash(format!("The key {} is revoked: nothing that uses it gets in any more.", key.name))
}

impl NewKeyPage {
    fn new(form: KeyForm, errors: FieldErrors) -> Self {
        Self { form, roles: roles(), errors }
    }
}

impl Page for KeysPage {
    const TEMPLATE: &'static str = "ui/settings/keys.html";
    const VARIES: Varies =
        Varies { texts: &["keys.name", "revoked.name"], lists: &["keys", "revoked"] };

    fn samples() -> Vec<Self> {
        let key = |name: &str, used, revoked_at| ApiKey {
            id: ApiKeyId::new(),
            name: name.to_owned(),
            role: Role::Marketer,
            prefix: "ck_AbCdEf".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            last_used_at: used,
            revoked_at,
        };
        let then = Some(chrono::DateTime::UNIX_EPOCH);
        vec![
            Self { keys: Vec::new(), revoked: Vec::new() },
            Self {
                keys: vec![key("Shop <1>", then, None), key("Till", None, None)],
                revoked: vec![key("Old", None, then)],
            },
        ]
    }
}

impl Page for NewKeyPage {
    const TEMPLATE: &'static str = "ui/settings/new_key.html";
    const VARIES: Varies = Varies { texts: &["form.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let errors = FieldErrors::default()
            .with("name", "Enter a name of up to 100 characters that says what the key is for.");
        vec![
            Self::new(KeyForm::default(), FieldErrors::default()),
            Self::new(KeyForm::default(), errors),
        ]
    }
}
