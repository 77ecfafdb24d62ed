//! A PostgreSQL of Carillon's own: found among the installed programs, kept in the data directory,
//! stopped with this process.
//!
//! Whoever holds the lock of `<data_dir>/postgres.lock` runs the server; every other Carillon on
//! the same data directory is attached to it, and takes the server over when the lock becomes free.
//! The server listens on a unix socket only, in a directory that is closed to others.

mod account;
mod binaries;
mod cluster;
mod keeper;
mod memory;
mod server;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use super::{Target, Unavailable};
use cluster::Cluster;
use keeper::Keeper;

/// Role and database, both made on first start.
const NAME: &str = "carillon";

/// Where the server lives and how it treats data.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Holds the cluster (`postgres/`), its log (`postgres.log`) and, if its path is short enough,
    /// the socket (`run/`).
    pub data_dir: PathBuf,
    /// What a power failure may cost.
    pub durability: Durability,
}

/// What a power failure may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    Durable,
    /// Everything: no fsync. For tests, whose data nobody misses.
    Volatile,
}

/// Who runs the server that one is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// This process.
    Owner,
    /// Another process, started before.
    Attached,
}

/// A running server; stops with this value, if this process runs it.
#[derive(Debug)]
pub struct Embedded {
    target: Target,
    url: String,
    ownership: Ownership,
    keeper: Keeper,
}

/// Why there is no server. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server programs are installed.
    #[error(
        "no PostgreSQL server is installed (looked at `pg_config --bindir`, \
         /usr/lib/postgresql/*/bin and PATH): \
         run `apt-get install postgresql`, or set DATABASE_URL to a PostgreSQL elsewhere"
    )]
    NotInstalled,
    /// Only servers that cannot be used are installed.
    #[error(
        "PostgreSQL {found} is installed, but {needed} is needed: run `apt-get install \
         postgresql-{wanted}`, or set DATABASE_URL"
    )]
    OtherVersion {
        /// The newest major version that is installed.
        found: u32,
        /// What is needed, in words.
        needed: String,
        /// The major version to install.
        wanted: u32,
    },
    /// As root, and there is no other account that could run it.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: start \
         Carillon as another user, or set DATABASE_URL"
    )]
    NoAccount,
    /// The server's account cannot get at its data.
    #[error(
        "the user {account}, who runs PostgreSQL for root, cannot enter {closed}: set \
         CARILLON_DATA_DIR to a directory outside of it, such as /var/lib/carillon"
    )]
    Closed {
        /// Who.
        account: String,
        /// Which directory.
        closed: String,
    },
    /// The data belong to somebody else.
    #[error(
        "{0} belongs to another user: start Carillon as that user, or set CARILLON_DATA_DIR to a \
         directory of your own"
    )]
    NotYours(String),
    /// A file or directory could not be made or read.
    #[error(
        "{what} {path} failed ({source}): set CARILLON_DATA_DIR to a directory of your own with \
         space left"
    )]
    Directory {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error("PostgreSQL's initdb failed: {0}")]
    Init(String),
    /// The server ended or was not ready in time.
    #[error("the embedded PostgreSQL did not start: {reason} (all of it is in {log})")]
    Start {
        /// The last that it said.
        reason: String,
        /// Its log file.
        log: String,
    },
    /// Another process runs it, but it does not become ready.
    #[error(
        "another Carillon runs the PostgreSQL in {0}, but it does not get ready: look into \
         postgres.log there, or stop the other one"
    )]
    Busy(String),
    /// This process is being stopped.
    #[error("stopped before PostgreSQL was ready")]
    Stopped,
    /// It runs but refuses us.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl EmbeddedOptions {
    /// Durable, in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durability: Durability::Durable }
    }

    /// The same without fsync, for tests.
    #[must_use]
    pub fn volatile(self) -> Self {
        Self { durability: Durability::Volatile, ..self }
    }
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
