//! The composition root: puts configuration, database, Twilio client, worker and web server
//! together.

mod demo;
mod files;
mod keys;
mod serve;
mod simulator;
mod time;

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::connections;
use crate::context::{Context, ContextError};
use crate::db::{
    self, Conn, Embedded, EmbeddedError, EmbeddedOptions, MigrateError, Pool, PoolerError, Target,
    TargetError, Unavailable,
};
use crate::error::Error;
use crate::types::text_enum::UnknownWord;
use crate::users::audit::{self, Actor};
use crate::users::{self, NewUser};
use crate::worker::{Worker, WorkerParts};

pub use demo::demo;
pub use keys::{check_secret_key, fill_hook_secrets};
pub use serve::{Running, serve, start};
pub use simulator::{instant_simulator, simulator};

/// What one process does of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Duty {
    /// Pages, API, hooks and jobs.
    All,
    /// Pages, API and hooks.
    Web,
    /// Jobs.
    Worker,
}

/// A user to be made from the command line.
#[derive(Debug)]
pub struct UserArguments {
    /// What they sign in with.
    pub email: String,
    /// How they are called; made from the email if missing.
    pub name: Option<String>,
    /// `admin`, `marketer` or `viewer`.
    pub role: String,
    /// Their first password.
    pub password: SecretString,
}

/// Why the program ends early; one line for people.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What the process shares cannot be put together.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A template of a page cannot be used.
    #[error("a page template cannot be used: {0}")]
    Pages(#[from] tera::Error),
    /// `DATABASE_URL` cannot be used.
    #[error("DATABASE_URL cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// `DATABASE_URL` leads to a pooler behind which Carillon cannot work, or the database does not
    /// answer.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// The embedded PostgreSQL does not run.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The database is not at the version of this binary.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A slice refused.
    #[error(transparent)]
    Slice(#[from] Error),
    /// The saved keys were sealed with another secret key.
    #[error(
        "CARILLON_SECRET_KEY, or secret.key in the data directory, is not the key that sealed the \
         Twilio keys in this database: start with \
         that one. If it is lost, run `carillon forget-keys` and enter the keys again in the \
         Connection Center"
    )]
    OtherSecretKey,
    /// Anything else, such as a port in use: what happened and what to do.
    #[error("{0}")]
    Other(String),
}

/// The database of this installation: the one that is set, or the embedded one.
#[derive(Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: Pool,
    embedded: Option<Embedded>,
}

impl AppError {
    /// The code that the program exits with: 78 for settings, 69 when the database is away, else 1
    /// (2 is for wrong usage).
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Context(ContextError::Config(_))
            | Self::Target(_)
            | Self::OtherSecretKey
            | Self::Pooler(PoolerError::SharedSessions(_)) => 78,
            Self::Unavailable(_)
            | Self::Pooler(PoolerError::Unavailable(_))
            | Self::Embedded(_)
            | Self::Migrate(MigrateError::Unavailable(_)) => 69,
            Self::Migrate(_)
            | Self::Slice(_)
            | Self::Context(ContextError::Client(_))
            | Self::Pages(_)
            | Self::Other(_) => 1,
        }
    }
}

impl Database {
    /// Opens the database that is configured, starting the embedded PostgreSQL if need be; migrates
    /// nothing.
    pub async fn open(config: &Config) -> Result<Self, AppError> {
        use secrecy::ExposeSecret;
        let (target, embedded) = match &config.database_url {
            Some(url) => {
                let target = Target::parse(url.expose_secret())?;
                db::refuse_shared_sessions(&target).await?;
                (target, None)
            }
            None => {
                let embedded =
                    Embedded::attach_or_start(EmbeddedOptions::new(&config.data_dir)).await?;
                (embedded.target().clone(), Some(embedded))
            }
        };
        Ok(Self { pool: Pool::new(target, config.database_connections), embedded })
    }

    /// Closes the connections and stops the embedded PostgreSQL, if this process runs it.
    pub async fn close(self) {
        self.pool.close();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// A worker of this process.
#[must_use]
pub fn worker(context: &Context) -> Worker {
    Worker::new(WorkerParts {
        db: context.db.clone(),
        clock: context.clock.clone(),
        twilio: context.worker_twilio.clone(),
        renderer: context.renderer.clone(),
        secret_key: context.secret_key.clone(),
        public_url: context.config.public_url.clone(),
        concurrency: context.config.worker_concurrency,
        handover: context.handover.clone(),
    })
}

/// Applies the migrations that are missing, and returns their versions.
pub async fn migrate(config: &Config) -> Result<Vec<String>, AppError> {
    let database = Database::open(config).await?;
    let applied = db::migrate(database.pool.target()).await;
    database.close().await;
    Ok(applied?)
}

/// Creates a user.
pub async fn create_user(config: &Config, user: UserArguments) -> Result<(), AppError> {
    with_database(config, async |conn, now| {
        let name = user
            .name
            .clone()
            .unwrap_or_else(|| user.email.split('@').next().unwrap_or("Admin").to_owned());
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
                audit::Kind::User,
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

/// Creates a key for the JSON API and returns it; it is shown this once.
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

/// Makes an installation whose secret key is lost usable again; returns how many connections need
/// their keys anew.
pub async fn forget_keys(config: &Config) -> Result<usize, AppError> {
    let secret_key = config.secret_key()?;
    with_database(config, async |conn, now| {
        conn.transaction(async |conn| connections::forget_keys(conn, &secret_key, now).await).await
    })
    .await
}

/// Runs one command on the migrated database, beside a running `serve` or without one.
async fn with_database<T>(
    config: &Config,
    command: impl AsyncFnOnce(&mut Conn, DateTime<Utc>) -> Result<T, Error>,
) -> Result<T, AppError> {
    let database = Database::open(config).await?;
    let done = async {
        db::migrate(database.pool.target()).await?;
        let mut conn = database.pool.get().await?;
        Ok(command(&mut conn, Clock::system().now()).await?)
    }
    .await;
    database.close().await;
    done
}
