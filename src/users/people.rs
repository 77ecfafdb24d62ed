//! What admins do with accounts: list them, change roles, shut people out and let them in again.
//! One active admin always remains.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::audit::{self, Actor, AuditKind};
use super::{Role, User, find, organization, sessions};
use crate::db::Conn;
use crate::db::schema::{password_resets, users};
use crate::error::{Error, Result};
use crate::types::id::UserId;

/// Everybody with an account, by name; those who are shut out come last.
pub async fn list(conn: &mut Conn) -> Result<Vec<User>> {
    let order = (users::disabled_at.is_not_null(), users::name, users::id);
    Ok(users::table.order(order).select(User::as_select()).limit(1_000).load(conn).await?)
}

/// Gives somebody another role. Needs the caller's transaction.
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
        keep_an_admin(conn, &user).await?;
    }
    diesel::update(users::table.find(id)).set(users::role.eq(role)).execute(conn).await?;
    let summary = format!("changed the role of {} from {} to {role}", user.name, user.role);
    audit::record(conn, actor, AuditKind::User, Some(id.0), &summary, now).await?;
    Ok(User { role, ..user })
}

/// Shuts somebody out: their sessions end, and a link to choose a new password is void. Needs the
/// caller's transaction.
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
    keep_an_admin(conn, &user).await?;
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

/// Lets somebody in again, with the password that they had. Needs the caller's transaction.
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
    audit::record(
        conn,
        actor,
        AuditKind::User,
        Some(id.0),
        &format!("enabled {} again", user.name),
        now,
    )
    .await?;
    Ok(User { disabled_at: None, ..user })
}

/// The user, with all changes to roles and accounts made to wait: two admins who shut each other
/// out at once come one after the other.
async fn lock(conn: &mut Conn, id: UserId) -> Result<User> {
    organization::lock(conn).await?;
    find(conn, id).await
}

/// Refuses to take the last admin away.
async fn keep_an_admin(conn: &mut Conn, user: &User) -> Result<()> {
    let others = users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne(user.id))
        .select(users::id);
    let anybody: bool = diesel::select(diesel::dsl::exists(others)).get_result(conn).await?;
    if anybody || user.role != Role::Admin {
        return Ok(());
    }
    let name = &user.name;
    Err(Error::Refused(format!(
        "{name} is the only admin who can sign in. Make somebody else an admin first; nothing was \
         changed."
    )))
}
