//! The page of a user for admins.

use actix_web::web::Path;
use serde::Serialize;

use super::role_choices::roles;
use crate::error::FieldErrors;
use crate::types::id::UserId;
use crate::users::password_resets::{self, UnsentLink};
use crate::users::{self, User};
use crate::web::ui::Choice;
use crate::web::{Admin, Page, PageResult, Visit};

/// The page of a user.
#[derive(Debug, Serialize)]
pub(in crate::web) struct UserShowPage {
    account: User,
    /// The password link that could not be emailed to them.
    unsent_link: Option<UnsentLink>,
    /// Whether it is the admin's own account.
    is_self: bool,
    /// The chosen role.
    role: String,
    roles: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn show(visit: Visit<Admin>, id: Path<UserId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let account = users::find(&mut conn, *id).await?;
    let unsent_link = password_resets::find_unsent(&mut conn, *id).await?;
    drop(conn);
    let page = UserShowPage::new(account, visit.user.id, FieldErrors::default());
    visit.page(&UserShowPage { unsent_link, ..page })
}

impl UserShowPage {
    /// The page of an account as a viewer sees it, with the role that was entered and its errors.
    pub(super) fn refused(
        account: User,
        viewer: UserId,
        role: String,
        errors: FieldErrors,
    ) -> Self {
        Self { role, ..Self::new(account, viewer, errors) }
    }

    fn new(account: User, viewer: UserId, errors: FieldErrors) -> Self {
        Self {
            is_self: account.id == viewer,
            role: account.role.as_str().to_owned(),
            account,
            unsent_link: None,
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
