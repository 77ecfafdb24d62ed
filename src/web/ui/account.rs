//! The user's own account: name, time zone, theme, password and signed-in browsers.

use actix_web::web::{self, Path, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::log_in_turn::wait_for_turn;
use super::{Choice, locale_choices};
use crate::error::{Error, FieldErrors};
use crate::types::id::SessionId;
use crate::users::audit::{self, AuditKind};
use crate::users::password::Password;
use crate::users::profile::{self, Profile};
use crate::users::sessions::{self, Session};
use crate::users::{self, Theme, User, log_in};
use crate::web::http::error::PageError;
use crate::web::{Form, Page, PageResult, Viewer, Visit};

/// Mounts `/account` and its actions, signing out among them.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/account").get(show))
        .service(web::resource("/account/profile").post(change_profile))
        .service(web::resource("/account/password").post(change_password))
        .service(web::resource("/account/sessions/{id}/end").post(end_session))
        .service(web::resource("/account/sign-out").post(sign_out))
        .service(web::resource("/account/sign-out-others").post(sign_out_others))
        .service(web::resource("/account/sign-out-everywhere").post(sign_out_everywhere));
}

/// The profile form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct ProfileForm {
    name: String,
    time_zone: String,
    theme: String,
}

/// The form that changes the password.
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
    profile: ProfileForm,
    time_zones: Vec<Choice>,
    /// The organization's time zone, used when the user has chosen none.
    default_zone: String,
    themes: Vec<Choice>,
    sessions: Vec<Session>,
    errors: FieldErrors,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let page = AccountPage::load(&visit, FieldErrors::default()).await?;
    visit.page(&page)
}

async fn change_profile(visit: Visit<Viewer>, form: Form<ProfileForm>) -> PageResult {
    let profile = match Profile::parse(&form.name, &form.time_zone, &form.theme) {
        Ok(profile) => profile,
        Err(errors) => {
            let page = AccountPage {
                profile: form.into_inner(),
                ..AccountPage::load(&visit, errors).await?
            };
            return visit.invalid(&page);
        }
    };
    let mut conn = visit.conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        profile::change(conn, &visit.user, &profile, visit.now()).await
    })
    .await?;
    visit.redirect("/account").flash("Saved.")
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
    let (now, user) = (visit.now(), visit.user.id);
    let mut conn = visit.conn().await?;
    let admission = conn
        .transaction::<_, PageError, _>(async |conn| {
            Ok(log_in::begin_reauthentication(conn, user, now).await?)
        })
        .await?;
    drop(conn);
    let attempt = match wait_for_turn(&visit, admission).await {
        Ok(attempt) => attempt,
        Err(throttled) => return refuse(visit, "current_password", throttled.to_string()).await,
    };
    let Some(verified) = attempt.verify(form.current_password.clone().into()).await? else {
        return refuse(visit, "current_password", "Incorrect current password.".to_owned()).await;
    };
    let hash = new.hash().await?;
    let mut conn = visit.conn().await?;
    let ended = conn
        .transaction::<_, PageError, _>(async |conn| {
            let user = log_in::succeed(conn, verified).await?;
            users::set_password(conn, user, &hash, now).await?;
            audit::record(
                conn,
                &visit.actor(),
                AuditKind::User,
                Some(user.0),
                "changed their password",
                now,
            )
            .await?;
            Ok(sessions::end_all(conn, user, visit.session()).await?)
        })
        .await?;
    visit.redirect("/account").flash(match ended {
        0 => "Password changed.".to_owned(),
        1 => "Password changed. One other session was signed out.".to_owned(),
        _ => format!("Password changed. {ended} other sessions were signed out."),
    })
}

async fn end_session(visit: Visit<Viewer>, id: Path<SessionId>) -> PageResult {
    sessions::end_one(&mut *visit.conn().await?, visit.user.id, *id).await?;
    visit.redirect("/account").flash("Browser signed out.")
}

async fn sign_out_others(visit: Visit<Viewer>) -> PageResult {
    sessions::end_all(&mut *visit.conn().await?, visit.user.id, visit.session()).await?;
    visit.redirect("/account").flash("All other browsers signed out.")
}

async fn sign_out(visit: Visit<Viewer>) -> PageResult {
    if let Some(token) = visit.session() {
        sessions::end(&mut *visit.conn().await?, token).await?;
    }
    visit.redirect("/login").cookie(visit.cookies().clear_session()).flash("You are signed out.")
}

async fn sign_out_everywhere(visit: Visit<Viewer>) -> PageResult {
    sessions::end_all(&mut *visit.conn().await?, visit.user.id, None).await?;
    visit
        .redirect("/login")
        .cookie(visit.cookies().clear_session())
        .flash("You are signed out everywhere.")
}

impl AccountPage {
    async fn load(visit: &Visit<Viewer>, errors: FieldErrors) -> Result<Self, PageError> {
        let sessions =
            sessions::list(&mut *visit.conn().await?, visit.user.id, visit.session(), visit.now())
                .await?;
        let mut page = Self::new(visit.user.clone(), sessions, errors);
        visit.organization.time_zone.name().clone_into(&mut page.default_zone);
        Ok(page)
    }

    fn new(account: User, sessions: Vec<Session>, errors: FieldErrors) -> Self {
        let profile = ProfileForm {
            name: account.name.clone(),
            time_zone: account.time_zone.clone().unwrap_or_default(),
            theme: account.theme.as_str().to_owned(),
        };
        let time_zones = locale_choices::time_zones();
        Self {
            account,
            profile,
            time_zones,
            default_zone: "UTC".to_owned(),
            themes: themes(),
            sessions,
            errors,
        }
    }
}

fn themes() -> Vec<Choice> {
    let label = |theme: &Theme| match theme {
        Theme::Automatic => "Automatic: follows your system",
        Theme::Light => "Light",
        Theme::Dark => "Dark",
    };
    Theme::ALL.iter().map(|theme| Choice::new(theme.as_str(), label(theme))).collect()
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "ui/account.html";
}

#[cfg(debug_assertions)]
#[path = "samples/account.rs"]
mod samples;
