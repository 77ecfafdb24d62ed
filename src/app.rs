//! The composition root: puts configuration, database, Twilio client, worker and web server together.

use secrecy::SecretString;

use crate::config::{Config, ConfigError};
use crate::db::{self, Embedded, EmbeddedError, EmbeddedOptions, MigrateError, Pool, Target, TargetError, Unavailable};

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
    /// `DATABASE_URL` cannot be used.
    #[error("DATABASE_URL cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The embedded PostgreSQL does not run.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The database is not at the version of this binary.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A slice refused.
    #[error(transparent)]
    Slice(#[from] crate::error::Error),
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
    /// The code that the program exits with: 78 for settings, 69 when the database is away, else 1 (2 is for wrong usage).
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Target(_) => 78,
            Self::Unavailable(_) | Self::Embedded(_) | Self::Migrate(MigrateError::Unavailable(_)) => 69,
            Self::Migrate(_) | Self::Slice(_) | Self::Other(_) => 1,
        }
    }
}

impl Database {
    /// Opens the database that is configured, starting the embedded PostgreSQL if need be; migrates nothing.
    pub async fn open(config: &Config) -> Result<Self, AppError> {
        use secrecy::ExposeSecret;
        let (target, embedded) = match &config.database_url {
            Some(url) => (Target::parse(url.expose_secret())?, None),
            None => {
                let embedded = Embedded::attach_or_start(EmbeddedOptions::new(&config.data_dir)).await?;
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

/// Applies the migrations that are missing, and returns their versions.
pub async fn migrate(config: &Config) -> Result<Vec<String>, AppError> {
    let database = Database::open(config).await?;
    let applied = db::migrate(database.pool.target()).await;
    database.close().await;
    Ok(applied?)
}

/// Serves until the process is asked to stop.
#[expect(clippy::todo, clippy::unused_async, reason = "put together next, when its parts are there")]
pub async fn serve(_config: Config, _duty: Duty) -> Result<(), AppError> {
    todo!("serve")
}

/// Serves with the simulator in place of Twilio, and sample data.
#[expect(clippy::todo, clippy::unused_async, reason = "put together next, when its parts are there")]
pub async fn demo(_config: Config) -> Result<(), AppError> {
    todo!("demo")
}

/// Serves the simulator alone.
#[expect(clippy::todo, clippy::unused_async, reason = "put together next, when its parts are there")]
pub async fn simulator(_config: Config) -> Result<(), AppError> {
    todo!("simulator")
}

/// Creates a user.
#[expect(clippy::todo, clippy::unused_async, reason = "put together next, when its parts are there")]
pub async fn create_user(_config: &Config, _user: UserArguments) -> Result<(), AppError> {
    todo!("user create")
}

/// Creates a key for the JSON API and returns it; it is shown this once.
#[expect(clippy::todo, clippy::unused_async, reason = "put together next, when its parts are there")]
pub async fn create_api_key(_config: &Config, _name: &str, _role: &str) -> Result<SecretString, AppError> {
    todo!("api-key create")
}
