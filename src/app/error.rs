//! Fatal errors of the program, and the exit code of each.

use crate::config::ConfigError;
use crate::context::ContextError;
use crate::db::{EmbeddedError, MigrateError, PoolerError, TargetError, Unavailable};
use crate::error::Error;

/// Why the program exits with an error; displayed as one line.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The shared state of the process could not be created.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A page template is invalid.
    #[error("a page template cannot be used: {0}")]
    Pages(#[from] tera::Error),
    /// `DATABASE_URL` is invalid.
    #[error("DATABASE_URL cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// `DATABASE_URL` leads to a pooler that Carillon cannot work with, or the database does not
    /// answer.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// The embedded PostgreSQL could not be started.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The migrations of this version could not be applied.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A slice returned an error.
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
    /// Any other error, such as a port in use: what happened and what to do.
    #[error("{0}")]
    Other(String),
}

impl AppError {
    /// The exit code: 78 for an invalid setting, 69 if the database is not available, otherwise 1
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
            | Self::Context(ContextError::Client(_) | ContextError::Mailer(_))
            | Self::Pages(_)
            | Self::Other(_) => 1,
        }
    }
}
