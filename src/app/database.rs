//! The database of this installation: the one that is set, or the embedded one.

use secrecy::ExposeSecret;

use super::error::AppError;
use crate::config::Config;
use crate::db::{self, Embedded, EmbeddedOptions, Pool, Target};

/// The database of this installation: the one that is set, or the embedded one.
#[derive(Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: Pool,
    embedded: Option<Embedded>,
}

impl Database {
    /// Opens the database that is configured, starting the embedded PostgreSQL if need be; migrates
    /// nothing.
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

    /// Closes the connections and stops the embedded PostgreSQL, if this process runs it.
    pub async fn close(self) {
        self.pool.close();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}
