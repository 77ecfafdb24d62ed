//! What links lead to: joining as an admin has invited one to, and choosing a new password.
//!
//! The token is in the query: paths come into the request log, queries never do.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldErrors};
use crate::types::token::Token;
use crate::users::invitations::{self, Invitation};
use crate::users::password::Password;
use crate::users::{self, Role, User, resets, sessions};
use crate::web::{Anyone, Form, Page, PageResult, Query, Varies, Visit};

/// Mounts `/join` and `/reset`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/join").get(show_join).post(join))
        .service(web::resource("/reset").get(show_reset).post(reset));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    token: String,
}

/// What somebody types who joins, or chooses a new password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JoinForm {
    token: String,
    name: String,
    password: String,
}

/// The page for somebody who was invited; without an invitation, what to do about a link that is
/// worth nothing.
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

/// The page for a new password; without somebody, what to do about a link that is worth nothing.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ResetPage {
    whose: Option<Whose>,
    errors: FieldErrors,
}

#[derive(Debug, Serialize)]
struct Whose {
    token: String,
    name: String,
    email: String,
}

async fn show_join(visit: Visit<Anyone>, link: Query<Link>) -> PageResult {
    let found = match Token::parse(&link.token) {
        Some(token) => invitations::open(&mut *visit.conn().await?, &token, visit.now())
            .await?
            .map(|invitation| (invitation, token)),
        None => None,
    };
    match found {
        Some((invitation, token)) => {
            visit.page(&JoinPage::of(invitation, &token, "", FieldErrors::default()))
        }
        None => visit.answer(StatusCode::GONE, &JoinPage::gone()),
    }
}

async fn join(visit: Visit<Anyone>, form: Form<JoinForm>) -> PageResult {
    let Some(token) = Token::parse(&form.token) else {
        return visit.answer(StatusCode::GONE, &JoinPage::gone());
    };
    let now = visit.now();
    let Some(invitation) = invitations::open(&mut *visit.conn().await?, &token, now).await? else {
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

async fn show_reset(visit: Visit<Anyone>, link: Query<Link>) -> PageResult {
    let found = match Token::parse(&link.token) {
        Some(token) => resets::open(&mut *visit.conn().await?, &token, visit.now())
            .await?
            .map(|user| (user, token)),
        None => None,
    };
    match found {
        Some((user, token)) => visit.page(&ResetPage::of(&user, &token, FieldErrors::default())),
        None => visit.answer(StatusCode::GONE, &ResetPage::gone()),
    }
}

async fn reset(visit: Visit<Anyone>, form: Form<JoinForm>) -> PageResult {
    let Some(token) = Token::parse(&form.token) else {
        return visit.answer(StatusCode::GONE, &ResetPage::gone());
    };
    let now = visit.now();
    let Some(user) = resets::open(&mut *visit.conn().await?, &token, now).await? else {
        return visit.answer(StatusCode::GONE, &ResetPage::gone());
    };
    let password = match Password::parse(&form.password, &user.email) {
        Ok(password) => password,
        Err(error) => {
            let errors = FieldErrors::default().with("password", error.to_string());
            return visit.invalid(&ResetPage::of(&user, &token, errors));
        }
    };
    let hash = password.hash().await?;
    let session = visit
        .conn()
        .await?
        .transaction::<_, Error, _>(async |conn| {
            match resets::accept(conn, &token, &hash, now).await? {
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
        None => visit.answer(StatusCode::GONE, &ResetPage::gone()),
    }
}

impl JoinPage {
    fn of(invitation: Invitation, token: &Token, name: &str, errors: FieldErrors) -> Self {
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

impl ResetPage {
    fn of(user: &User, token: &Token, errors: FieldErrors) -> Self {
        let whose = Whose {
            token: token.expose().to_owned(),
            name: user.name.clone(),
            email: user.email.clone(),
        };
        Self { whose: Some(whose), errors }
    }

    fn gone() -> Self {
        Self { whose: None, errors: FieldErrors::default() }
    }
}

impl Page for JoinPage {
    const TEMPLATE: &'static str = "ui/join.html";
    const VARIES: Varies = Varies { texts: &["invited.email", "name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let invited = |role| {
            Some(Invited { token: "token".to_owned(), email: "ben@example.com".to_owned(), role })
        };
        let errors = FieldErrors::default()
            .with("name", "Enter a name.")
            .with("password", "Use at least 10 characters.");
        vec![
            Self {
                invited: invited(Role::Marketer),
                name: String::new(),
                errors: FieldErrors::default(),
            },
            Self { invited: invited(Role::Viewer), name: "<Ben>".to_owned(), errors },
            Self::gone(),
        ]
    }
}

impl Page for ResetPage {
    const TEMPLATE: &'static str = "ui/reset.html";
    const VARIES: Varies = Varies { texts: &["whose.name", "whose.email"], lists: &[] };

    fn samples() -> Vec<Self> {
        let (user, token) = (User::sample("Ben <Osei>", Role::Viewer), Token::generate());
        let errors = FieldErrors::default().with("password", "Use at least 10 characters.");
        vec![
            Self::of(&user, &token, FieldErrors::default()),
            Self::of(&user, &token, errors),
            Self::gone(),
        ]
    }
}
