//! The page where an invited user creates an account.
//!
//! The token is in the query string, because the request log contains paths but never queries.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldErrors};
use crate::types::token::RandomToken;
use crate::users::invitations::{self, Invitation};
use crate::users::{self, Role, sessions};
use crate::web::{Anyone, Form, Page, PageResult, Query, Visit};

/// Mounts `/join`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/join").get(show).post(submit));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    token: String,
}

/// The form of an invited user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JoinForm {
    token: String,
    name: String,
    password: String,
}

/// The page for an invited user. Without a valid invitation it says what to do about a dead link.
#[derive(Debug, Serialize)]
pub(in crate::web) struct JoinPage {
    invited: Option<Invited>,
    name: String,
    errors: FieldErrors,
}

#[derive(Debug, Serialize)]
struct Invited {
    token: String,
    email: String,
    role: Role,
}

async fn show(visit: Visit<Anyone>, link: Query<Link>) -> PageResult {
    let invitation = match RandomToken::parse(&link.token) {
        Some(token) => invitations::find_valid(&mut *visit.conn().await?, &token, visit.now())
            .await?
            .map(|invitation| (invitation, token)),
        None => None,
    };
    match invitation {
        Some((invitation, token)) => {
            visit.page(&JoinPage::of(invitation, &token, "", FieldErrors::default()))
        }
        None => visit.answer(StatusCode::GONE, &JoinPage::gone()),
    }
}

async fn submit(visit: Visit<Anyone>, form: Form<JoinForm>) -> PageResult {
    let Some(token) = RandomToken::parse(&form.token) else {
        return visit.answer(StatusCode::GONE, &JoinPage::gone());
    };
    let now = visit.now();
    let Some(invitation) = invitations::find_valid(&mut *visit.conn().await?, &token, now).await?
    else {
        return visit.answer(StatusCode::GONE, &JoinPage::gone());
    };
    let (name, _, password) =
        match users::parse_account(&form.name, &invitation.email, &form.password) {
            Ok(account) => account,
            Err(errors) => {
                return visit.invalid(&JoinPage::of(invitation, &token, &form.name, errors));
            }
        };
    let hash = password.hash().await?;
    let joined = visit
        .conn()
        .await?
        .transaction::<_, Error, _>(async |conn| {
            match invitations::accept(conn, &token, name, hash, now).await? {
                Some(user) => sessions::start(conn, user, visit.browser(), now)
                    .await
                    .map(|session| Some((user, session))),
                None => Ok(None),
            }
        })
        .await;
    match joined {
        Ok(Some((user, session))) => {
            visit.signed_in(user, &session, "/").flash("Welcome. Your account is ready.")
        }
        Ok(None) => visit.answer(StatusCode::GONE, &JoinPage::gone()),
        Err(Error::Invalid(errors)) => {
            visit.invalid(&JoinPage::of(invitation, &token, &form.name, errors))
        }
        Err(error) => Err(error.into()),
    }
}

impl JoinPage {
    fn of(invitation: Invitation, token: &RandomToken, name: &str, errors: FieldErrors) -> Self {
        let invited = Invited {
            token: token.expose().to_owned(),
            email: invitation.email,
            role: invitation.role,
        };
        Self { invited: Some(invited), name: name.to_owned(), errors }
    }

    fn gone() -> Self {
        Self { invited: None, name: String::new(), errors: FieldErrors::default() }
    }
}

impl Page for JoinPage {
    const TEMPLATE: &'static str = "ui/join.html";
}

#[cfg(debug_assertions)]
#[path = "samples/join.rs"]
mod samples;
