//! Invitations of users by link: creating, renewing and withdrawing them.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::role_choices::roles;
use super::secret_to_copy::SecretToCopyPage;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::types::id::InvitationId;
use crate::users::{self, Role, invitations};
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The form of an invitation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct InviteForm {
    email: String,
    role: String,
}

/// The page that invites a user.
#[derive(Debug, Serialize)]
pub(in crate::web) struct InvitePage {
    form: InviteForm,
    roles: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let form = InviteForm { role: Role::Marketer.as_str().to_owned(), ..InviteForm::default() };
    visit.page(&InvitePage::new(form, FieldErrors::default()))
}

pub(super) async fn create(visit: Visit<Admin>, form: Form<InviteForm>) -> PageResult {
    let (email, role) = match form.parse() {
        Ok(invitation) => invitation,
        Err(errors) => return visit.invalid(&InvitePage::new(form.into_inner(), errors)),
    };
    match invite(&mut *visit.conn().await?, &visit, &email, role).await {
        Ok(page) => visit.page(&page),
        Err(Error::Invalid(errors)) => visit.invalid(&InvitePage::new(form.into_inner(), errors)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn renew(visit: Visit<Admin>, id: Path<InvitationId>) -> PageResult {
    let invitation = invitations::find(&mut *visit.conn().await?, *id).await?;
    let page =
        invite(&mut *visit.conn().await?, &visit, &invitation.email, invitation.role).await?;
    visit.page(&page)
}

pub(super) async fn withdraw(visit: Visit<Admin>, id: Path<InvitationId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let withdrawn = conn
        .transaction::<_, Error, _>(async |conn| {
            invitations::withdraw(conn, &actor, *id, now).await
        })
        .await?;
    visit
        .redirect("/settings/users")
        .flash(format!("Invitation of {} withdrawn. Its link no longer works.", withdrawn.email))
}

/// Creates an invitation, and the page that shows its link.
async fn invite(
    conn: &mut Conn,
    visit: &Visit<Admin>,
    email: &str,
    role: Role,
) -> Result<SecretToCopyPage, Error> {
    let (inviter, now) = (&visit.user, visit.now());
    let (invitation, token) = conn
        .transaction::<_, Error, _>(async |conn| {
            invitations::create(conn, inviter, email, role, now).await
        })
        .await?;
    let link = visit.context.config.public_url.join(&format!("/join?token={}", token.expose()));
    Ok(SecretToCopyPage::invitation(&invitation.email, link))
}

impl InviteForm {
    fn parse(&self) -> Result<(String, Role), FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.check("email", users::parse_email(&self.email));
        let role = errors.check("role", self.role.parse::<Role>());
        email.zip(role).ok_or(errors)
    }
}

impl InvitePage {
    fn new(form: InviteForm, errors: FieldErrors) -> Self {
        Self { form, roles: roles(), errors }
    }
}

impl Page for InvitePage {
    const TEMPLATE: &'static str = "ui/settings/invite.html";
}

#[cfg(debug_assertions)]
#[path = "samples/invite.rs"]
mod samples;
