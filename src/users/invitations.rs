//! Invitations: a link for one person, good once and for seven days. Carillon sends no e-mail, so
//! that an admin hands it over.

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

/// A link is worth nothing after this time.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Somebody who was invited and has not come yet.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Invitation {
    /// Identifier.
    pub id: InvitationId,
    /// In lower case; nobody else can use the link to get another one.
    pub email: String,
    /// What they will be allowed to do.
    pub role: Role,
    /// When the link was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Invites somebody; an earlier link for the same address is void. The token can be read from the
/// answer and never again.
///
/// An address that has an account is an error of `email`. Needs the caller's transaction.
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
            return Err(Error::field(
                "email",
                "Somebody with this email address has an account already.",
            ));
        }
        Some(Some(_)) => {
            return Err(Error::field(
                "email",
                "This email address has an account that is disabled. Enable it again instead.",
            ));
        }
        None => {}
    }
    let token = RandomToken::generate();
    diesel::delete(invitations::table.filter(invitations::email.eq(email))).execute(conn).await?;
    let made: Invitation = diesel::insert_into(invitations::table)
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
                "Somebody else invites them at this moment.",
            )
        })?;
    let summary = format!("invited {email} as {role}");
    audit::record(conn, &inviter.into(), AuditKind::User, None, &summary, now).await?;
    Ok((made, token))
}

/// Everybody who has not come yet, the newest first; also those whose link has ended.
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

/// Takes an invitation back. Needs the caller's transaction.
pub async fn withdraw(
    conn: &mut Conn,
    actor: &Actor,
    id: InvitationId,
    now: DateTime<Utc>,
) -> Result<Invitation> {
    let gone: Option<Invitation> = diesel::delete(invitations::table.find(id))
        .returning(Invitation::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    let gone = gone.ok_or(Error::NotFound("invitation"))?;
    audit::record(
        conn,
        actor,
        AuditKind::User,
        None,
        &format!("withdrew the invitation of {}", gone.email),
        now,
    )
    .await?;
    Ok(gone)
}

/// The invitation that a link belongs to; `None` when it was used, withdrawn or replaced, or has
/// ended.
pub async fn open(
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

/// Uses a link up: the account exists afterwards. `None` when the link is worth nothing any more.
/// Needs the caller's transaction.
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
