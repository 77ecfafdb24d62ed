//! One-off commands against the database: migrate, create a user or an API key, forget keys.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use secrecy::{ExposeSecret, SecretString};

use super::database::Database;
use super::error::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::connections;
use crate::db::{self, Conn};
use crate::error::Error;
use crate::types::text_enum::UnknownWord;
use crate::users::audit::{self, Actor};
use crate::users::{self, NewUser};

/// A user to create from the command line.
#[derive(Debug)]
pub struct NewUserArguments {
    /// The email address to sign in with.
    pub email: String,
    /// The display name; derived from the email address if missing.
    pub name: Option<String>,
    /// `admin`, `marketer` or `viewer`.
    pub role: String,
    /// The initial password.
    pub password: SecretString,
}

/// Applies the missing migrations and returns their versions.
pub async fn migrate(config: &Config) -> Result<Vec<String>, AppError> {
    let database = Database::open(config).await?;
    let applied = db::migrate(database.pool.target()).await;
    database.close().await;
    Ok(applied?)
}

/// Creates a user and records that in the audit log.
pub async fn create_user(config: &Config, user: NewUserArguments) -> Result<(), AppError> {
    with_database(config, async |conn, now| {
        let before_at = || user.email.split_once('@').map_or(&*user.email, |(name, _)| name);
        let name = user.name.clone().unwrap_or_else(|| before_at().to_owned());
        let (name, email, password) =
            users::parse_account(&name, &user.email, user.password.expose_secret())
                .map_err(Error::Invalid)?;
        let role = user
            .role
            .parse()
            .map_err(|error: UnknownWord| Error::field("role", error.to_string()))?;
        let new = NewUser { email, name, role, password_hash: password.hash().await? };
        conn.transaction(async |conn| {
            let user = users::create(conn, &new, now).await?;
            let summary = format!("created the user {} as {}", user.name, user.role);
            audit::record(
                conn,
                &Actor::command_line(),
                audit::AuditKind::User,
                Some(user.id.0),
                &summary,
                now,
            )
            .await
        })
        .await
    })
    .await
}

/// Creates an API key and returns it; it cannot be shown again.
pub async fn create_api_key(
    config: &Config,
    name: &str,
    role: &str,
) -> Result<SecretString, AppError> {
    with_database(config, async |conn, now| {
        let role =
            role.parse().map_err(|error: UnknownWord| Error::field("role", error.to_string()))?;
        let actor = Actor::command_line();
        let (_, key) = conn
            .transaction::<_, Error, _>(async |conn| {
                users::api_keys::create(conn, &actor, name, role, now).await
            })
            .await?;
        Ok(key.expose().into())
    })
    .await
}

/// Makes an installation usable again after its secret key was lost. Returns how many connections
/// need new keys.
pub async fn forget_keys(config: &Config) -> Result<usize, AppError> {
    let secret_key = config.secret_key()?;
    with_database(config, async |conn, now| {
        conn.transaction(async |conn| connections::forget_keys(conn, &secret_key, now).await).await
    })
    .await
}

/// Applies missing migrations, then runs one command; safe while a server is running.
async fn with_database<T>(
    config: &Config,
    command: impl AsyncFnOnce(&mut Conn, DateTime<Utc>) -> Result<T, Error>,
) -> Result<T, AppError> {
    let database = Database::open(config).await?;
    let result = async {
        db::migrate(database.pool.target()).await?;
        let mut conn = database.pool.get().await?;
        Ok(command(&mut conn, Clock::system().now()).await?)
    }
    .await;
    database.close().await;
    result
}
