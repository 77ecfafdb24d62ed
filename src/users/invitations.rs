//! Invitations: a link for one person, valid once and for seven days. Carillon does not email it:
//! an admin passes it on.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::audit::{self, Actor, AuditKind};
use super::password::PasswordHash;
use super::{NewUser, Role, User};
use crate::db::Conn;
use crate::db::schema::{invitations, users};
use crate::error::{Error, Result};
use crate::types::id::{InvitationId, UserId};
use crate::types::token::RandomToken;

/// How long a link is valid.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// An invitation that has not been accepted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Invitation {
    /// Identifier.
    pub id: InvitationId,
    /// The email address, in lower case; the link cannot create an account with another one.
    pub email: String,
    /// The role of the future account.
    pub role: Role,
    /// When the link was created.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// Invites a person; an earlier link for the same address becomes invalid. Returns the token, which
/// cannot be read again later.
///
/// An address that has an account is an error on the field `email`. Needs the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    inviter: &User,
    email: &str,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(Invitation, RandomToken)> {
    let known: Option<Option<DateTime<Utc>>> = users::table
        .filter(users::email.eq(email))
        .select(users::disabled_at)
        .first(conn)
        .await
        .optional()?;
    match known {
        Some(None) => {
            return Err(Error::field("email", "Another account has this email address."));
        }
        Some(Some(_)) => {
            return Err(Error::field(
                "email",
                "A disabled account has this email address. Enable it instead.",
            ));
        }
        None => {}
    }
    let token = RandomToken::generate();
    diesel::delete(invitations::table.filter(invitations::email.eq(email))).execute(conn).await?;
    let created: Invitation = diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(InvitationId::new()),
            invitations::email.eq(email),
            invitations::role.eq(role),
            invitations::token_hash.eq(token.hash().to_vec()),
            invitations::invited_by.eq(inviter.id),
            invitations::created_at.eq(now),
            invitations::expires_at.eq(now + LIFETIME),
        ))
        .returning(Invitation::as_returning())
        .get_result(conn)
        .await
        .map_err(|error| {
            Error::from(error).on_constraint(
                "invitations_email_key",
                "email",
                "Another admin is inviting this user right now.",
            )
        })?;
    let summary = format!("invited {email} as {role}");
    audit::record(conn, &inviter.into(), AuditKind::User, None, &summary, now).await?;
    Ok((created, token))
}

/// All invitations that have not been accepted, the newest first, including expired ones.
pub async fn list(conn: &mut Conn) -> Result<Vec<Invitation>> {
    Ok(invitations::table
        .order(invitations::id.desc())
        .select(Invitation::as_select())
        .limit(1_000)
        .load(conn)
        .await?)
}

/// An invitation by its id.
pub async fn find(conn: &mut Conn, id: InvitationId) -> Result<Invitation> {
    let found =
        invitations::table.find(id).select(Invitation::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("invitation"))
}

/// Withdraws an invitation. Needs the caller's transaction.
pub async fn withdraw(
    conn: &mut Conn,
    actor: &Actor,
    id: InvitationId,
    now: DateTime<Utc>,
) -> Result<Invitation> {
    let withdrawn: Option<Invitation> = diesel::delete(invitations::table.find(id))
        .returning(Invitation::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    let withdrawn = withdrawn.ok_or(Error::NotFound("invitation"))?;
    audit::record(
        conn,
        actor,
        AuditKind::User,
        None,
        &format!("withdrew the invitation of {}", withdrawn.email),
        now,
    )
    .await?;
    Ok(withdrawn)
}

/// The invitation that a link belongs to; `None` if it was used, withdrawn or replaced, or has
/// expired.
pub async fn find_valid(
    conn: &mut Conn,
    token: &RandomToken,
    now: DateTime<Utc>,
) -> Result<Option<Invitation>> {
    Ok(invitations::table
        .filter(invitations::token_hash.eq(token.hash().to_vec()))
        .filter(invitations::expires_at.gt(now))
        .select(Invitation::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Redeems a link and creates the account. `None` if the link is no longer valid. Needs the
/// caller's transaction.
pub async fn accept(
    conn: &mut Conn,
    token: &RandomToken,
    name: String,
    hash: PasswordHash,
    now: DateTime<Utc>,
) -> Result<Option<UserId>> {
    let link = invitations::table
        .filter(invitations::token_hash.eq(token.hash().to_vec()))
        .filter(invitations::expires_at.gt(now));
    let used: Option<(String, Role)> = diesel::delete(link)
        .returning((invitations::email, invitations::role))
        .get_result(conn)
        .await
        .optional()?;
    let Some((email, role)) = used else { return Ok(None) };
    let user =
        super::create(conn, &NewUser { email, name, role, password_hash: hash }, now).await?;
    audit::record(
        conn,
        &(&user).into(),
        AuditKind::User,
        Some(user.id.0),
        &format!("accepted the invitation and joined as {role}"),
        now,
    )
    .await?;
    Ok(Some(user.id))
}
