//! The page of a user for admins: role, disabling and enabling, and a password reset link.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::role_choices::roles;
use super::secret_to_copy::SecretToCopyPage;
use crate::error::{Error, FieldErrors};
use crate::types::id::UserId;
use crate::users::{self, Role, User, administration, password_resets};
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The form that changes the role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleForm {
    role: String,
}

/// The page of a user.
#[derive(Debug, Serialize)]
pub(in crate::web) struct UserShowPage {
    account: User,
    /// Whether it is the admin's own account.
    is_self: bool,
    /// The chosen role.
    role: String,
    roles: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn show(visit: Visit<Admin>, id: Path<UserId>) -> PageResult {
    let account = users::find(&mut *visit.conn().await?, *id).await?;
    let page = UserShowPage::new(account, visit.user.id, FieldErrors::default());
    visit.page(&page)
}

pub(super) async fn change_role(
    visit: Visit<Admin>,
    id: Path<UserId>,
    form: Form<RoleForm>,
) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let before = users::find(&mut conn, *id).await?;
    let result = match form.role.parse::<Role>() {
        Ok(role) => {
            conn.transaction::<_, Error, _>(async |conn| {
                administration::change_role(conn, &actor, *id, role, now).await
            })
            .await
        }
        Err(error) => Err(Error::field("role", error.to_string())),
    };
    match result {
        Ok(user) => {
            // An admin who gave up the role cannot undo that.
            if user.id == visit.user.id && user.role < Role::Admin {
                return visit
                    .redirect("/account")
                    .flash(format!("Your role is now {}.", user.role));
            }
            let redirect = visit
                .redirect(path(*id))
                .undo(format!("{}/role", path(*id)), [("role", before.role.as_str())]);
            redirect.flash(format!("{} now has the role {}.", user.name, user.role))
        }
        Err(Error::Refused(reason)) => {
            let errors = FieldErrors::default().with("role", reason);
            let page = UserShowPage::new(before, visit.user.id, errors);
            visit.invalid(&UserShowPage { role: form.into_inner().role, ..page })
        }
        Err(Error::Invalid(errors)) => {
            let page = UserShowPage::new(before, visit.user.id, errors);
            visit.invalid(&UserShowPage { role: form.into_inner().role, ..page })
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn disable(visit: Visit<Admin>, id: Path<UserId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    match conn
        .transaction::<_, Error, _>(async |conn| {
            administration::disable(conn, &actor, *id, now).await
        })
        .await
    {
        Ok(user) if user.id == visit.user.id => {
            visit.redirect("/login").flash("Your account is disabled and signed out everywhere.")
        }
        Ok(user) => {
            let redirect = visit.redirect(path(*id)).undo(format!("{}/enable", path(*id)), []);
            redirect.flash(format!("{} is disabled and signed out everywhere.", user.name))
        }
        Err(Error::Refused(reason)) => visit.redirect(path(*id)).warning(reason),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn enable(visit: Visit<Admin>, id: Path<UserId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let user = conn
        .transaction::<_, Error, _>(async |conn| {
            administration::enable(conn, &actor, *id, now).await
        })
        .await?;
    visit.redirect(path(*id)).flash(format!("{} can sign in again.", user.name))
}

pub(super) async fn reset(visit: Visit<Admin>, id: Path<UserId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    match conn
        .transaction::<_, Error, _>(async |conn| {
            password_resets::create(conn, &actor, *id, now).await
        })
        .await
    {
        Ok((user, token)) => {
            let link =
                visit.context.config.public_url.join(&format!("/reset?token={}", token.expose()));
            visit.page(&SecretToCopyPage::reset(&user.name, link, path(*id)))
        }
        Err(Error::Refused(reason)) => visit.redirect(path(*id)).warning(reason),
        Err(error) => Err(error.into()),
    }
}

fn path(id: UserId) -> String {
    format!("/settings/users/{id}")
}

impl UserShowPage {
    fn new(account: User, viewer: UserId, errors: FieldErrors) -> Self {
        Self {
            is_self: account.id == viewer,
            role: account.role.as_str().to_owned(),
            account,
            roles: roles(),
            errors,
        }
    }
}

impl Page for UserShowPage {
    const TEMPLATE: &'static str = "ui/settings/user_show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/user_show.rs"]
mod samples;
