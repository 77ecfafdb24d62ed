//! People who may sign in, programs that may use the API, and the organization that they work for.

pub mod api_keys;
pub mod audit;
pub mod invitations;
pub mod log_in;
pub mod organization;
pub mod password;
pub mod people;
pub mod profile;
pub mod resets;
pub mod sessions;
pub mod setup;
pub mod test_phone;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::db::schema::users;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::UserId;
use crate::types::text_enum::text_enum;
use password::{Password, PasswordHash};
use profile::Theme;

text_enum! {
    /// What somebody may do; each role includes those declared before it.
    pub enum Role {
        /// Sees everything, changes nothing.
        Viewer = "viewer",
        /// Writes templates, contacts and automations, and sends.
        Marketer = "marketer",
        /// Also connects Twilio accounts and manages users and API keys.
        Admin = "admin",
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
    /// As people call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When they were shut out; `None` while they may sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they last looked at a page, to the minute.
    pub seen_at: Option<DateTime<Utc>>,
    /// The time zone that they chose for themselves.
    pub time_zone: Option<String>,
    /// How pages look to them.
    pub theme: Theme,
}

impl User {
    /// The time zone that they chose for themselves.
    #[must_use]
    pub fn zone(&self) -> Option<Tz> {
        self.time_zone.as_deref().and_then(|name| name.parse().ok())
    }

    /// Somebody, for the samples of pages.
    #[must_use]
    pub fn sample(name: &str, role: Role) -> Self {
        Self {
            id: UserId::new(),
            email: "ada@example.com".to_owned(),
            name: name.to_owned(),
            role,
            created_at: DateTime::UNIX_EPOCH,
            disabled_at: None,
            seen_at: None,
            time_zone: None,
            theme: Theme::Automatic,
        }
    }
}

/// A person to be given an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// In lower case.
    pub email: String,
    /// As people call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Made from the password by [`Password::hash`].
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

/// Gives a person an account; an email address that has one already is an error of the field
/// `email`.
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
                "There is already a user with this email address.",
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

/// Whether anybody has an account; before that, the set-up page is open.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn).await?)
}

/// The hash that a user's present password is verified against.
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

/// Reads name, email and password of a new account as people type them, with an error per field
/// that cannot be used.
pub fn parse_account(
    name: &str,
    email: &str,
    password: &str,
) -> std::result::Result<(String, String, Password), FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = errors.check("name", parse_name(name));
    let email = errors.check("email", parse_email(email));
    let password =
        errors.check("password", Password::parse(password, email.as_deref().unwrap_or_default()));
    match (name, email, password) {
        (Some(name), Some(email), Some(password)) => Ok((name, email, password)),
        _ => Err(errors),
    }
}

/// Reads an email address: trimmed and in lower case.
pub fn parse_email(text: &str) -> std::result::Result<String, &'static str> {
    use validator::ValidateEmail;

    let email = text.trim().to_lowercase();
    match email.len() {
        0 => Err("Enter an email address."),
        1..=254 if email.as_str().validate_email() => Ok(email),
        _ => Err("This is not an email address; it should look like ada@example.com."),
    }
}

fn parse_name(text: &str) -> std::result::Result<String, &'static str> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err("Enter a name."),
        1..=100 if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err("Use at most 100 characters, in one line."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_includes_the_lesser_ones() {
        assert!(Role::Admin > Role::Marketer && Role::Marketer > Role::Viewer);
    }

    #[test]
    fn an_email_address_is_kept_in_lower_case() {
        assert_eq!(parse_email(" Ada@Example.com "), Ok("ada@example.com".to_owned()));
        for bad in ["", "ada", "ada@", "@example.com", "a b@example.com"] {
            assert!(parse_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_wrong_field_of_an_account_is_named() {
        let errors = parse_account(" ", "ada", "short").unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["email", "name", "password"]
        );
        let (name, email, _) = parse_account(" Ada ", "ADA@example.com", "correct horse").unwrap();
        assert_eq!((name.as_str(), email.as_str()), ("Ada", "ada@example.com"));
    }
}
