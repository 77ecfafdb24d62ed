//! The database of this installation: the configured one, or the embedded PostgreSQL.

use secrecy::ExposeSecret;

use super::error::AppError;
use crate::config::Config;
use crate::db::{self, Embedded, EmbeddedOptions, Pool, Target};

/// The open database of this installation.
#[derive(Debug)]
pub struct Database {
    /// The pool of its connections.
    pub pool: Pool,
    embedded: Option<Embedded>,
}

impl Database {
    /// Opens the configured database, or starts the embedded PostgreSQL. Applies no migrations.
    pub async fn open(config: &Config) -> Result<Self, AppError> {
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

    /// Closes the pool, and stops the embedded PostgreSQL if this process runs it.
    pub async fn close(self) {
        self.pool.close();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}
