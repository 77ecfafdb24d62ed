//! Replacing the keys of a connection and the secret of its webhook address. New keys are verified
//! at Twilio first; wrong ones change nothing.

use actix_web::web::{self, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::connection_view::ConnectionView;
use super::key_fields::{API_KEY, AUTH_TOKEN};
use crate::connections::{self, FormerSecretPolicy, NewKeys};
use crate::error::FieldErrors;
use crate::types::id::ConnectionId;
use crate::web::ui::typed_secret::TypedSecret;
use crate::web::{Admin, Form, Page, PageResult, Visit};
use crate::{connection_center, senders};

/// Mounts the form and its actions.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/keys").get(show).post(replace))
        .service(web::resource("/connections/{id}/keys/forget-former").post(forget_former))
        .service(web::resource("/connections/{id}/webhook-secret").post(rotate_secret))
        .service(
            web::resource("/connections/{id}/webhook-secret/forget-former").post(forget_secret),
        );
}

/// The page that replaces keys.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectionKeysPage {
    connection: ConnectionView,
    form: KeysInput,
    errors: FieldErrors,
}

/// The form's input.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct KeysInput {
    /// The method to sign in: `auth_token` or `api_key`.
    method: String,
    #[serde(skip_serializing)]
    auth_token: TypedSecret,
    api_key_sid: String,
    #[serde(skip_serializing)]
    api_key_secret: TypedSecret,
    /// Whether the former Auth Token stays valid for a while: `accept` or `refuse`.
    former_token: String,
}

/// Stops accepting the former Auth Token.
async fn forget_former(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection =
        connection_center::forget_former_token(&visit.context, &visit.actor(), *id).await?;
    visit
        .redirect(format!("/connections/{id}/advanced"))
        .flash(format!("Carillon rejects the former Auth Token of “{}” now.", connection.name))
}

/// Replaces the secret in the webhook address.
async fn rotate_secret(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = connection_center::rotate_hook_secret(
        &visit.context,
        &visit.actor(),
        *id,
        FormerSecretPolicy::Accept,
    )
    .await?;
    let senders = senders::list_for_connection(&mut *visit.conn().await?, *id).await?;
    if senders.iter().any(|sender| sender.webhook_error.is_some()) {
        return visit.redirect(format!("/connections/{id}/senders")).warning(
            "Secret rotated, but Twilio doesn’t call the new address of every sender yet. Repair \
             their webhooks below.",
        );
    }
    visit
        .redirect(format!("/connections/{id}/advanced"))
        .flash(format!("Secret rotated. Twilio calls the new address of “{}”.", connection.name))
}

/// Stops accepting the former webhook secret.
async fn forget_secret(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection =
        connection_center::forget_former_secret(&visit.context, &visit.actor(), *id).await?;
    visit
        .redirect(format!("/connections/{id}/advanced"))
        .flash(format!("Carillon rejects the former webhook address of “{}” now.", connection.name))
}

async fn show(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = connections::find(&mut *visit.conn().await?, *id).await?;
    let method = if connection.api_key_sid.is_some() { API_KEY } else { AUTH_TOKEN };
    let form = KeysInput { method: method.to_owned(), ..KeysInput::default() };
    visit.page(&ConnectionKeysPage {
        connection: connection.into(),
        form,
        errors: FieldErrors::default(),
    })
}

async fn replace(visit: Visit<Admin>, id: Path<ConnectionId>, form: Form<KeysInput>) -> PageResult {
    let form = form.into_inner();
    let former = if form.former_token == FormerSecretPolicy::Refuse.as_str() {
        FormerSecretPolicy::Refuse
    } else {
        FormerSecretPolicy::Accept
    };
    let (context, actor) = (&visit.context, visit.actor());
    match connection_center::replace_keys(context, &actor, *id, form.to_keys(), former).await {
        Ok(connection) => visit.redirect(format!("/connections/{id}")).flash(match connection
            .former_auth_token_until
        {
            Some(_) => format!(
                "Twilio accepts the new keys of “{}”. The former Auth Token works for another week.",
                connection.name
            ),
            None => format!("Twilio accepts the new keys of “{}”.", connection.name),
        }),
        Err(error) => {
            let errors = error.fields()?;
            let connection = connections::find(&mut *visit.conn().await?, *id).await?;
            visit.invalid(&ConnectionKeysPage { connection: connection.into(), form, errors })
        }
    }
}

impl KeysInput {
    fn to_keys(&self) -> NewKeys {
        let is_api_key = self.method != AUTH_TOKEN;
        NewKeys {
            account_sid: String::new(),
            auth_token: self.auth_token.0.as_str().into(),
            api_key_sid: if is_api_key { self.api_key_sid.clone() } else { String::new() },
            api_key_secret: if is_api_key {
                self.api_key_secret.0.as_str().into()
            } else {
                String::new().into()
            },
        }
    }
}

impl Page for ConnectionKeysPage {
    const TEMPLATE: &'static str = "ui/connections/keys.html";
}

#[cfg(debug_assertions)]
#[path = "samples/keys.rs"]
mod samples;
