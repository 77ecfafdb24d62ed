//! Password reset links, valid once: an admin creates one for a user who forgot their password, or
//! the user requests one by email ([`password_link_requests`](super::password_link_requests)).

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::audit::{self, Actor, AuditKind};
use super::password::PasswordHash;
use super::{User, find, sessions, set_password};
use crate::db::Conn;
use crate::db::schema::{password_resets, users};
use crate::error::{Error, Result};
use crate::types::id::UserId;
use crate::types::token::RandomToken;

/// How long a link from an admin is valid.
const LIFETIME: TimeDelta = TimeDelta::days(7);
/// How long a link by email is valid.
const EMAILED_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// A link that could not be emailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsentLink {
    /// The user who did not get it.
    pub user_id: UserId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The reason, a sentence.
    pub error: String,
}

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
    let token = replace(conn, id, LIFETIME, now).await?;
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

/// Creates a link to email to the active user with this address, which is in lower case; an earlier
/// link becomes invalid. `None` if there is no such user. Needs the caller's transaction.
pub async fn create_for_email(
    conn: &mut Conn,
    email: &str,
    now: DateTime<Utc>,
) -> Result<Option<(User, RandomToken)>> {
    let user: Option<User> = users::table
        .filter(users::email.eq(email))
        .filter(users::disabled_at.is_null())
        .select(User::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(user) = user else { return Ok(None) };
    let token = replace(conn, user.id, EMAILED_LIFETIME, now).await?;
    audit::record(
        conn,
        &(&user).into(),
        AuditKind::User,
        Some(user.id.0),
        "asked for a password reset link by email",
        now,
    )
    .await?;
    Ok(Some((user, token)))
}

/// Creates the only link of a user.
async fn replace(
    conn: &mut Conn,
    id: UserId,
    lifetime: TimeDelta,
    now: DateTime<Utc>,
) -> Result<RandomToken> {
    let token = RandomToken::generate();
    let row = (
        password_resets::token_hash.eq(token.hash().to_vec()),
        password_resets::created_at.eq(now),
        password_resets::expires_at.eq(now + lifetime),
        password_resets::email_error.eq(None::<String>),
    );
    diesel::insert_into(password_resets::table)
        .values((password_resets::user_id.eq(id), row.clone()))
        .on_conflict(password_resets::user_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(token)
}

/// Records why a link could not be emailed, unless another link has replaced it.
pub async fn record_unsent(conn: &mut Conn, token: &RandomToken, error: &str) -> Result<()> {
    let link = password_resets::table.filter(password_resets::token_hash.eq(token.hash().to_vec()));
    diesel::update(link).set(password_resets::email_error.eq(error)).execute(conn).await?;
    Ok(())
}

/// The links that could not be emailed since a time and were not replaced, the newest first.
pub async fn list_unsent(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<UnsentLink>> {
    type Found = (UserId, DateTime<Utc>, Option<String>);
    let found: Vec<Found> = password_resets::table
        .filter(password_resets::email_error.is_not_null())
        .filter(password_resets::created_at.ge(since))
        .order((password_resets::created_at.desc(), password_resets::user_id))
        .limit(1_000)
        .select((
            password_resets::user_id,
            password_resets::created_at,
            password_resets::email_error,
        ))
        .load(conn)
        .await?;
    let link = |(user_id, created_at, error): Found| {
        Some(UnsentLink { user_id, created_at, error: error? })
    };
    Ok(found.into_iter().filter_map(link).collect())
}

/// The link of a user, if it could not be emailed.
pub async fn find_unsent(conn: &mut Conn, id: UserId) -> Result<Option<UnsentLink>> {
    let found: Option<(DateTime<Utc>, Option<String>)> = password_resets::table
        .find(id)
        .select((password_resets::created_at, password_resets::email_error))
        .first(conn)
        .await
        .optional()?;
    Ok(found.and_then(|(created_at, error)| {
        Some(UnsentLink { user_id: id, created_at, error: error? })
    }))
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
