//! Why the program ends early, and the code that it exits with.

use crate::config::ConfigError;
use crate::context::ContextError;
use crate::db::{EmbeddedError, MigrateError, PoolerError, TargetError, Unavailable};
use crate::error::Error;

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
