//! The administration of users: admins change their roles, disable them and enable them again. One
//! active admin always remains.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::audit::{self, Actor, AuditKind};
use super::{Role, User, find, organization, sessions};
use crate::db::Conn;
use crate::db::schema::{password_resets, users};
use crate::error::{Error, Result};
use crate::types::id::UserId;

/// Changes the role of a user. Needs the caller's transaction.
pub async fn change_role(
    conn: &mut Conn,
    actor: &Actor,
    id: UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<User> {
    let user = lock(conn, id).await?;
    if user.role == role {
        return Ok(user);
    }
    if user.role == Role::Admin {
        ensure_an_admin_remains(conn, &user).await?;
    }
    diesel::update(users::table.find(id)).set(users::role.eq(role)).execute(conn).await?;
    let summary = format!("changed the role of {} from {} to {role}", user.name, user.role);
    audit::record(conn, actor, AuditKind::User, Some(id.0), &summary, now).await?;
    Ok(User { role, ..user })
}

/// Disables a user: their sessions end, and a link to choose a new password becomes invalid. Needs
/// the caller's transaction.
pub async fn disable(
    conn: &mut Conn,
    actor: &Actor,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<User> {
    let user = lock(conn, id).await?;
    if user.disabled_at.is_some() {
        return Ok(user);
    }
    ensure_an_admin_remains(conn, &user).await?;
    diesel::update(users::table.find(id)).set(users::disabled_at.eq(now)).execute(conn).await?;
    sessions::end_all(conn, id, None).await?;
    diesel::delete(password_resets::table.find(id)).execute(conn).await?;
    audit::record(
        conn,
        actor,
        AuditKind::User,
        Some(id.0),
        &format!("disabled {}", user.name),
        now,
    )
    .await?;
    Ok(User { disabled_at: Some(now), ..user })
}

/// Enables a disabled user again, with their former password. Needs the caller's transaction.
pub async fn enable(
    conn: &mut Conn,
    actor: &Actor,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<User> {
    let user = lock(conn, id).await?;
    if user.disabled_at.is_none() {
        return Ok(user);
    }
    diesel::update(users::table.find(id))
        .set(users::disabled_at.eq(None::<DateTime<Utc>>))
        .execute(conn)
        .await?;
    audit::record(conn, actor, AuditKind::User, Some(id.0), &format!("enabled {}", user.name), now)
        .await?;
    Ok(User { disabled_at: None, ..user })
}

/// Loads a user, and serializes changes to roles and accounts: two admins who disable each other at
/// once do so one after the other.
async fn lock(conn: &mut Conn, id: UserId) -> Result<User> {
    organization::lock(conn).await?;
    find(conn, id).await
}

/// Refuses to remove the last active admin.
async fn ensure_an_admin_remains(conn: &mut Conn, user: &User) -> Result<()> {
    let others = users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne(user.id))
        .select(users::id);
    let another_admin: bool = diesel::select(diesel::dsl::exists(others)).get_result(conn).await?;
    if another_admin || user.role != Role::Admin {
        return Ok(());
    }
    let name = &user.name;
    Err(Error::Refused(format!(
        "{name} is the only admin who can sign in. Nothing changed. Make another user an admin \
         first."
    )))
}
