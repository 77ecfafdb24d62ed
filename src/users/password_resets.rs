//! Password reset links: an admin creates one for a user who forgot their password; it is valid
//! once and for seven days.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::audit::{self, Actor, AuditKind};
use super::password::PasswordHash;
use super::{User, find, sessions, set_password};
use crate::db::Conn;
use crate::db::schema::{password_resets, users};
use crate::error::{Error, Result};
use crate::types::id::UserId;
use crate::types::token::RandomToken;

/// How long a link is valid.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Creates a link; an earlier one becomes invalid. The current password stays valid until the link
/// is used. Needs the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<(User, RandomToken)> {
    let user = find(conn, id).await?;
    if user.disabled_at.is_some() {
        return Err(Error::Refused(format!(
            "{} is disabled. Enable the account first.",
            user.name
        )));
    }
    let token = RandomToken::generate();
    let row = (
        password_resets::token_hash.eq(token.hash().to_vec()),
        password_resets::created_at.eq(now),
        password_resets::expires_at.eq(now + LIFETIME),
    );
    diesel::insert_into(password_resets::table)
        .values((password_resets::user_id.eq(id), row.clone()))
        .on_conflict(password_resets::user_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    audit::record(
        conn,
        actor,
        AuditKind::User,
        Some(id.0),
        &format!("created a password link for {}", user.name),
        now,
    )
    .await?;
    Ok((user, token))
}

/// The user of a link; `None` if it was used, replaced or has expired, or if the user is disabled.
pub async fn open(
    conn: &mut Conn,
    token: &RandomToken,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    Ok(password_resets::table
        .inner_join(users::table)
        .filter(password_resets::token_hash.eq(token.hash().to_vec()))
        .filter(password_resets::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select(User::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Consumes a link: sets the password and ends every session. `None` if the link is no longer
/// valid. Needs the caller's transaction.
pub async fn accept(
    conn: &mut Conn,
    token: &RandomToken,
    hash: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<Option<UserId>> {
    let Some(user) = open(conn, token, now).await? else { return Ok(None) };
    let link = password_resets::table
        .find(user.id)
        .filter(password_resets::token_hash.eq(token.hash().to_vec()));
    if diesel::delete(link).execute(conn).await? == 0 {
        return Ok(None);
    }
    set_password(conn, user.id, hash, now).await?;
    sessions::end_all(conn, user.id, None).await?;
    audit::record(
        conn,
        &(&user).into(),
        AuditKind::User,
        Some(user.id.0),
        "chose a new password by link",
        now,
    )
    .await?;
    Ok(Some(user.id))
}
