//! The buttons on the page of a user: role, disabling and enabling, and a password reset link.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Deserialize;

use super::secret_to_copy::SecretToCopyPage;
use super::user_show::UserShowPage;
use crate::error::{Error, FieldErrors};
use crate::types::id::UserId;
use crate::users::{self, Role, administration, password_resets};
use crate::web::{Admin, Form, PageResult, Visit};

/// The form that changes the role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleForm {
    role: String,
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
            let role = form.into_inner().role;
            let page = UserShowPage::refused(before, visit.user.id, role, errors);
            visit.invalid(&page)
        }
        Err(Error::Invalid(errors)) => {
            let role = form.into_inner().role;
            let page = UserShowPage::refused(before, visit.user.id, role, errors);
            visit.invalid(&page)
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
