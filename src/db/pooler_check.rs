//! Detects at start a pooler in transaction mode, such as PgBouncer's, behind which Carillon cannot
//! work.
//!
//! Carillon prepares statements once per connection, uses LISTEN, and holds session locks; behind
//! such a pooler, the next statement may reach another session.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Target, Unavailable};

/// How long a session may take to answer. An unshared one answers at once; a pooler with a single
/// session makes the second connection wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// The number of checks. Other clients' traffic may hide a pooler in one check, but hardly in all.
const CHECKS: usize = 3;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// Several connections share a session.
    #[error(
        "DATABASE_URL leads to a pooler in transaction mode ({0}), such as PgBouncer, behind which \
         prepared statements, LISTEN and session \
         locks get lost: set it to the address of PostgreSQL itself, or set pool_mode = session \
         for this database"
    )]
    SharedSessions(String),
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Checks that each connection has its own session: the same one for as long as it is open, shared
/// with no other connection.
pub async fn refuse_shared_sessions(target: &Target) -> Result<(), PoolerError> {
    let (one, other) = (target.connect_raw().await?, target.connect_raw().await?);
    let failed = |error: tokio_postgres::Error| Unavailable::new(target, error.to_string());
    let shared = || Err(PoolerError::SharedSessions(target.to_string()));
    for _ in 0..CHECKS {
        let first = session_id(&one).await.map_err(failed)?;
        if session_id(&other).await.map_err(failed)? == first {
            return shared();
        }
        // An open transaction occupies the session that was free, so that a pooler gives the first
        // connection another one.
        other.batch_execute("BEGIN").await.map_err(failed)?;
        let _occupied = session_id(&other).await.map_err(failed)?;
        let again = timeout(ANSWER_TIMEOUT, session_id(&one)).await;
        other.batch_execute("ROLLBACK").await.map_err(failed)?;
        match again {
            Ok(again) if again.as_ref().is_ok_and(|again| *again == first) => {}
            Ok(Err(error)) => return Err(failed(error).into()),
            _ => return shared(),
        }
    }
    Ok(())
}

/// The identity of the session that a statement reaches, read without a prepared statement. The
/// start time is part of it, since servers of several hosts may use the same process ids.
async fn session_id(client: &Client) -> Result<String, tokio_postgres::Error> {
    let answer =
        client.simple_query("SELECT pg_backend_pid() || '/' || pg_postmaster_start_time()").await?;
    let name = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(name.unwrap_or_default().to_owned())
}
