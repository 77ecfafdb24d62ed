//! The user's own account: password and sessions.

use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;
use crate::users::password::Password;
use crate::users::{self, User, log_in, sessions};
use crate::web::error::PageError;
use crate::web::{Form, Page, PageResult, Viewer, Visit};

/// Mounts `/account` and signing out.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/account").get(show))
        .service(web::resource("/account/password").post(change_password))
        .service(web::resource("/account/sign-out").post(sign_out))
        .service(web::resource("/account/sign-out-everywhere").post(sign_out_everywhere));
}

/// What is typed to change the password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PasswordForm {
    current_password: String,
    new_password: String,
}

/// The account page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AccountPage {
    account: User,
    sessions: i64,
    errors: FieldErrors,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let page = AccountPage::load(&visit, FieldErrors::default()).await?;
    visit.page(&page)
}

async fn change_password(visit: Visit<Viewer>, form: Form<PasswordForm>) -> PageResult {
    let refuse = async |visit: Visit<Viewer>, field: &str, reason: String| {
        let page = AccountPage::load(&visit, FieldErrors::default().with(field, reason)).await?;
        visit.invalid(&page)
    };
    let new = match Password::parse(&form.new_password, &visit.user.email) {
        Ok(new) => new,
        Err(error) => return refuse(visit, "new_password", error.to_string()).await,
    };
    let (now, peer, user) = (visit.now(), visit.peer(), visit.user.clone());
    let mut conn = visit.conn().await?;
    let begun = conn.transaction::<_, PageError, _>(async |conn| Ok(log_in::begin(conn, &user.email, peer, now).await?)).await?;
    drop(conn);
    let attempt = match begun {
        Ok(attempt) => attempt,
        Err(throttled) => return refuse(visit, "current_password", throttled.to_string()).await,
    };
    let Some(verified) = attempt.verify(form.current_password.clone().into()).await? else {
        return refuse(visit, "current_password", "This is not your present password.".to_owned()).await;
    };
    let hash = new.hash().await?;
    let mut conn = visit.conn().await?;
    let ended = conn
        .transaction::<_, PageError, _>(async |conn| {
            let user = log_in::succeed(conn, verified, now).await?;
            users::set_password(conn, user, &hash, now).await?;
            Ok(sessions::end_all(conn, user, visit.session()).await?)
        })
        .await?;
    visit.redirect("/account").flash(match ended {
        0 => "Password changed.".to_owned(),
        1 => "Password changed. One other session was signed out.".to_owned(),
        _ => format!("Password changed. {ended} other sessions were signed out."),
    })
}

async fn sign_out(visit: Visit<Viewer>) -> PageResult {
    if let Some(token) = visit.session() {
        sessions::end(&mut *visit.conn().await?, token).await?;
    }
    visit.redirect("/login").cookie(visit.cookies().clear_session()).flash("You are signed out.")
}

async fn sign_out_everywhere(visit: Visit<Viewer>) -> PageResult {
    sessions::end_all(&mut *visit.conn().await?, visit.user.id, None).await?;
    visit.redirect("/login").cookie(visit.cookies().clear_session()).flash("You are signed out everywhere.")
}

impl AccountPage {
    async fn load(visit: &Visit<Viewer>, errors: FieldErrors) -> Result<Self, PageError> {
        let sessions = sessions::count(&mut *visit.conn().await?, visit.user.id, visit.now()).await?;
        Ok(Self { account: visit.user.clone(), sessions, errors })
    }
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "ui/account.html";

    fn samples() -> Vec<Self> {
        let account = User {
            id: crate::types::id::UserId::new(),
            email: "ada@example.com".to_owned(),
            name: "Ada <Lovelace>".to_owned(),
            role: users::Role::Marketer,
            created_at: chrono::DateTime::UNIX_EPOCH,
            disabled_at: None,
        };
        let errors = FieldErrors::default().with("current_password", "This is not your present password.");
        vec![Self { account: account.clone(), sessions: 1, errors: FieldErrors::default() }, Self { account, sessions: 3, errors }]
    }
}
