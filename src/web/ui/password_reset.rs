//! The page where a user chooses a new password, reached by a reset link.
//!
//! The token is in the query string, because the request log contains paths but never queries.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldErrors};
use crate::types::token::RandomToken;
use crate::users::password::Password;
use crate::users::{User, password_resets, sessions};
use crate::web::{Anyone, Form, Page, PageResult, Query, Visit};

/// Mounts `/reset`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/reset").get(show).post(reset));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResetLink {
    token: String,
}

/// The form for a new password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResetForm {
    token: String,
    password: String,
}

/// The page for a new password. Without a valid reset link it says what to do about a dead link.
#[derive(Debug, Serialize)]
pub(in crate::web) struct PasswordResetPage {
    whose: Option<ResetAccount>,
    errors: FieldErrors,
}

#[derive(Debug, Serialize)]
struct ResetAccount {
    token: String,
    name: String,
    email: String,
}

async fn show(visit: Visit<Anyone>, link: Query<ResetLink>) -> PageResult {
    let found = match RandomToken::parse(&link.token) {
        Some(token) => password_resets::open(&mut *visit.conn().await?, &token, visit.now())
            .await?
            .map(|user| (user, token)),
        None => None,
    };
    match found {
        Some((user, token)) => {
            visit.page(&PasswordResetPage::of(&user, &token, FieldErrors::default()))
        }
        None => visit.answer(StatusCode::GONE, &PasswordResetPage::gone()),
    }
}

async fn reset(visit: Visit<Anyone>, form: Form<ResetForm>) -> PageResult {
    let Some(token) = RandomToken::parse(&form.token) else {
        return visit.answer(StatusCode::GONE, &PasswordResetPage::gone());
    };
    let now = visit.now();
    let Some(user) = password_resets::open(&mut *visit.conn().await?, &token, now).await? else {
        return visit.answer(StatusCode::GONE, &PasswordResetPage::gone());
    };
    let password = match Password::parse(&form.password, &user.email) {
        Ok(password) => password,
        Err(error) => {
            let errors = FieldErrors::default().with("password", error.to_string());
            return visit.invalid(&PasswordResetPage::of(&user, &token, errors));
        }
    };
    let hash = password.hash().await?;
    let session = visit
        .conn()
        .await?
        .transaction::<_, Error, _>(async |conn| {
            match password_resets::accept(conn, &token, &hash, now).await? {
                Some(user) => sessions::start(conn, user, visit.browser(), now)
                    .await
                    .map(|session| Some((user, session))),
                None => Ok(None),
            }
        })
        .await?;
    match session {
        Some((user, session)) => {
            visit.signed_in(user, &session, "/").flash("Your new password is set.")
        }
        None => visit.answer(StatusCode::GONE, &PasswordResetPage::gone()),
    }
}

impl PasswordResetPage {
    fn of(user: &User, token: &RandomToken, errors: FieldErrors) -> Self {
        let account = ResetAccount {
            token: token.expose().to_owned(),
            name: user.name.clone(),
            email: user.email.clone(),
        };
        Self { whose: Some(account), errors }
    }

    fn gone() -> Self {
        Self { whose: None, errors: FieldErrors::default() }
    }
}

impl Page for PasswordResetPage {
    const TEMPLATE: &'static str = "ui/password_reset.html";
}

#[cfg(debug_assertions)]
#[path = "samples/password_reset.rs"]
mod samples;
