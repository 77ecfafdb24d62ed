//! A PostgreSQL of Carillon's own: found among the installed programs, kept in the data directory,
//! stopped with this process.
//!
//! Whoever holds the lock of `<data_dir>/postgres.lock` runs the server; every other Carillon on
//! the same data directory is attached to it, and takes the server over when the lock becomes free.
//! The server listens on a unix socket only, in a directory that is closed to others.

mod account;
mod binaries;
mod cluster;
mod error;
mod keeper;
mod memory;
mod options;
mod server;
mod stop;

use std::path::Path;

use super::{Target, Unavailable};
use cluster::Cluster;
use keeper::Keeper;
use options::NAME;

#[cfg(test)]
mod tests;

pub use error::EmbeddedError;
pub use keeper::Ownership;
pub use options::{Durability, EmbeddedOptions};

/// A running server; stops with this value, if this process runs it.
#[derive(Debug)]
pub struct Embedded {
    target: Target,
    url: String,
    ownership: Ownership,
    keeper: Keeper,
}

impl Embedded {
    /// Connects to the server of the data directory, starting it (and making the cluster) if no
    /// other process runs it. Returns when it answers and the database exists. Also restarts the
    /// server, should it die.
    pub async fn attach_or_start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let cluster = tokio::task::spawn_blocking(move || Cluster::locate(&options))
            .await
            .map_err(|_| EmbeddedError::Stopped)??;
        let socket = cluster.socket_dir().to_owned();
        let (keeper, ready) = Keeper::start(cluster);
        let ownership = ready.await.map_err(|_| EmbeddedError::Stopped)??;
        create_database(&socket).await?;
        Ok(Self {
            target: Target::on_socket(&socket, NAME, NAME),
            url: url(&socket),
            ownership,
            keeper,
        })
    }

    /// The database to connect to.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The database as a `DATABASE_URL`, for other programs such as `psql`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who ran the server when this was made.
    pub const fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Stops the server, if this process runs it, and waits for its end. Close the pool before:
    /// open connections are cut.
    pub async fn stop(self) {
        // Dropping waits; not on a thread that others need.
        if tokio::task::spawn_blocking(move || drop(self.keeper)).await.is_err() {
            tracing::error!("the embedded PostgreSQL was not stopped in order");
        }
    }
}

fn url(socket: &Path) -> String {
    let host: String =
        url::form_urlencoded::byte_serialize(socket.as_os_str().as_encoded_bytes()).collect();
    format!("postgres://{NAME}@/{NAME}?host={host}")
}

async fn create_database(socket: &Path) -> Result<(), EmbeddedError> {
    let target = Target::on_socket(socket, NAME, "postgres");
    let failed = |error: tokio_postgres::Error| {
        Unavailable::new(
            &target,
            error
                .as_db_error()
                .map_or_else(|| error.to_string(), |error| error.message().to_owned()),
        )
    };
    let client = target.connect_plainly().await?;
    if client
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&NAME])
        .await
        .map_err(failed)?
        .is_some()
    {
        return Ok(());
    }
    match client.batch_execute(&format!("CREATE DATABASE {NAME}")).await {
        // Another process made it just now: PostgreSQL has two ways of saying so.
        Err(error)
            if matches!(
                error.code().map(tokio_postgres::error::SqlState::code),
                Some("42P04" | "23505")
            ) =>
        {
            Ok(())
        }
        made => Ok(made.map_err(failed)?),
    }
}
