//! Users: people who may sign in.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::audit::{Actor, ActorKind};
use super::password::PasswordHash;
use super::role::Role;
use crate::db::Conn;
use crate::db::schema::users;
use crate::error::{Error, Result};
use crate::types::id::UserId;
use crate::types::text_enum::text_enum;

text_enum! {
    /// The theme of a user's pages.
    pub enum Theme {
        /// As the user's operating system is set.
        Automatic = "automatic",
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
    }
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// In lower case; unique.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When the account was created.
    pub created_at: DateTime<Utc>,
    /// When the account was disabled; `None` while they may sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they last viewed a page, to the minute.
    pub seen_at: Option<DateTime<Utc>>,
    /// The time zone that they chose for themselves.
    pub time_zone: Option<String>,
    /// The theme of their pages.
    pub theme: Theme,
}

impl User {
    /// The time zone that they chose for themselves.
    #[must_use]
    pub fn zone(&self) -> Option<Tz> {
        self.time_zone.as_deref().and_then(|name| name.parse().ok())
    }
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self::named(ActorKind::User, user.id.0, &user.name)
    }
}

/// A user who is about to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// In lower case.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The hash of their password, by [`Password::hash`](super::password::Password::hash).
    pub password_hash: PasswordHash,
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct Row<'a> {
    id: UserId,
    email: &'a str,
    name: &'a str,
    role: Role,
    password_hash: &'a PasswordHash,
    created_at: DateTime<Utc>,
    password_changed_at: DateTime<Utc>,
}

/// Creates a user; an email address that is already in use is an error on the field `email`.
pub async fn create(conn: &mut Conn, new: &NewUser, now: DateTime<Utc>) -> Result<User> {
    diesel::insert_into(users::table)
        .values(Row {
            id: UserId::new(),
            email: &new.email,
            name: &new.name,
            role: new.role,
            password_hash: &new.password_hash,
            created_at: now,
            password_changed_at: now,
        })
        .returning(User::as_returning())
        .get_result(conn)
        .await
        .map_err(|error| {
            Error::from(error).on_constraint(
                "users_email_key",
                "email",
                "Another account has this email address.",
            )
        })
}

/// The user with this id.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<User> {
    users::table
        .find(id)
        .select(User::as_select())
        .first(conn)
        .await
        .optional()?
        .ok_or(Error::NotFound("user"))
}

/// All users by name; disabled ones come last.
pub async fn list(conn: &mut Conn) -> Result<Vec<User>> {
    let order = (users::disabled_at.is_not_null(), users::name, users::id);
    Ok(users::table.order(order).select(User::as_select()).limit(1_000).load(conn).await?)
}

/// Whether any user exists; until then, the setup page is open.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn).await?)
}

/// The hash against which a user's current password is verified.
pub async fn password_hash(conn: &mut Conn, id: UserId) -> Result<PasswordHash> {
    users::table
        .find(id)
        .select(users::password_hash)
        .first(conn)
        .await
        .optional()?
        .ok_or(Error::NotFound("user"))
}

/// Sets a new password; the caller ends the sessions that should not survive it.
pub async fn set_password(
    conn: &mut Conn,
    id: UserId,
    hash: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(hash), users::password_changed_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}
