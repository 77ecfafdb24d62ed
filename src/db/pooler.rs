//! Poolers in transaction mode, such as PgBouncer's: told at start from a PostgreSQL, since
//! Carillon cannot work behind one.
//!
//! It prepares statements once for each connection, listens, and holds locks of a session: behind
//! such a pooler the next statement may reach another session.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Target, Unavailable};

/// A session that nobody else uses answers at once; a pooler with a single session makes the other
/// connection wait.
const ANSWER: Duration = Duration::from_secs(1);

/// Busy neighbours may hide it in one round, and hardly in all.
const ROUNDS: usize = 3;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// Connections share sessions.
    #[error(
        "DATABASE_URL leads to a pooler in transaction mode ({0}), such as PgBouncer, behind which \
         prepared statements, LISTEN and session \
         locks get lost: set it to the address of PostgreSQL itself, or set pool_mode = session \
         for this database"
    )]
    SharedSessions(String),
    /// It does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Makes sure that each connection is a session of its own: the same one for as long as it is open,
/// and shared with none.
pub async fn refuse_shared_sessions(target: &Target) -> Result<(), PoolerError> {
    let (one, other) = (target.connect_plainly().await?, target.connect_plainly().await?);
    let failed = |error: tokio_postgres::Error| Unavailable::new(target, error.to_string());
    let shared = || Err(PoolerError::SharedSessions(target.to_string()));
    for _ in 0..ROUNDS {
        let first = session(&one).await.map_err(failed)?;
        if session(&other).await.map_err(failed)? == first {
            return shared();
        }
        // With a transaction open on the session that was free, the first connection gets another.
        other.batch_execute("BEGIN").await.map_err(failed)?;
        let _held = session(&other).await.map_err(failed)?;
        let again = timeout(ANSWER, session(&one)).await;
        other.batch_execute("ROLLBACK").await.map_err(failed)?;
        match again {
            Ok(again) if again.as_ref().is_ok_and(|again| *again == first) => {}
            Ok(Err(error)) => return Err(failed(error).into()),
            _ => return shared(),
        }
    }
    Ok(())
}

/// What names the session that a statement reaches; without preparing anything. Servers of several
/// hosts may give the same process ids.
async fn session(client: &Client) -> Result<String, tokio_postgres::Error> {
    let answer =
        client.simple_query("SELECT pg_backend_pid() || '/' || pg_postmaster_start_time()").await?;
    let name = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(name.unwrap_or_default().to_owned())
}
