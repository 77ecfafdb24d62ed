//! Errors of the embedded PostgreSQL, each with what to do about it.

use std::io;

use crate::db::Unavailable;

/// Why the server is not available; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server programs are installed.
    #[error(
        "no PostgreSQL server is installed (looked at `pg_config --bindir`, \
         /usr/lib/postgresql/*/bin and PATH): \
         run `apt-get install postgresql`, or set DATABASE_URL to a PostgreSQL elsewhere"
    )]
    NotInstalled,
    /// Only unusable versions are installed.
    #[error(
        "PostgreSQL {found} is installed, but {needed} is needed: run `apt-get install \
         postgresql-{wanted}`, or set DATABASE_URL"
    )]
    WrongVersion {
        /// The newest major version that is installed.
        found: u32,
        /// What is needed, in words.
        needed: String,
        /// The major version to install.
        wanted: u32,
    },
    /// The process runs as root, and no other account exists that could run the server.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: start \
         Carillon as another user, or set DATABASE_URL"
    )]
    NoUnprivilegedAccount,
    /// The server's account cannot reach its data.
    #[error(
        "the user {account}, who runs PostgreSQL for root, cannot enter {directory}: set \
         CARILLON_DATA_DIR to a directory outside of it, such as /var/lib/carillon"
    )]
    DirectoryInaccessible {
        /// The account.
        account: String,
        /// The directory that it cannot enter.
        directory: String,
    },
    /// The data belongs to another user.
    #[error(
        "{0} belongs to another user: start Carillon as that user, or set CARILLON_DATA_DIR to a \
         directory of your own"
    )]
    OwnedByAnotherUser(String),
    /// A file or directory could not be created or read.
    #[error(
        "{operation} {path} failed ({source}): set CARILLON_DATA_DIR to a directory of your own \
         with space left"
    )]
    FileOperation {
        /// The operation that failed.
        operation: &'static str,
        /// Its path.
        path: String,
        /// Its cause.
        source: io::Error,
    },
    /// The cluster could not be created.
    #[error("PostgreSQL’s initdb failed: {0}")]
    InitdbFailed(String),
    /// The server ended or was not ready in time.
    #[error("the embedded PostgreSQL did not start: {reason} (all of it is in {log})")]
    StartFailed {
        /// The server's last log message.
        reason: String,
        /// Its log file.
        log: String,
    },
    /// Another process runs the server, but it does not become ready.
    #[error(
        "another Carillon runs the PostgreSQL in {0}, but it does not get ready: look into \
         postgres.log there, or stop the other one"
    )]
    OtherServerNotReady(String),
    /// This process is being stopped.
    #[error("stopped before PostgreSQL was ready")]
    StoppedBeforeReady,
    /// The server runs but refuses connections.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
