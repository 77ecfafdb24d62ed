//! Why the embedded PostgreSQL cannot be had, and what to do.

use std::io;

use crate::db::Unavailable;

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
