//! A lane: a connection of its own for one stream of batches.

use std::sync::Arc;

use diesel_async::pooled_connection::PoolableConnection;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Conn, Pool, Target, Unavailable, plans, pool::still_answers};

/// A connection beside the pool for statements that are transactions in themselves: nothing has to be said before or after them.
///
/// Batches may come while another one is under way: PostgreSQL works on them one after the other, and has the next one at hand when it
/// has done one.
pub struct Lane {
    target: Target,
    open: Mutex<Option<Open>>,
}

struct Open {
    conn: Arc<Conn>,
    used_at: Instant,
}

impl Lane {
    /// A lane to the database of a pool; it connects when it is first used.
    #[must_use]
    pub fn beside(pool: &Pool) -> Self {
        Self { target: pool.target().clone(), open: Mutex::new(None) }
    }

    /// Does some work on the connection. The runtime of whoever came first drives the connection from then on.
    pub async fn run<T, E: From<Unavailable>>(&self, work: impl AsyncFnOnce(&Conn) -> Result<T, E>) -> Result<T, E> {
        let conn = self.connected().await?;
        let result = work(&conn).await;
        if result.is_err() {
            // Nobody knows what state it is in; another is quickly opened.
            self.open.lock().await.take_if(|open| Arc::ptr_eq(&open.conn, &conn));
        }
        result
    }

    async fn connected(&self) -> Result<Arc<Conn>, Unavailable> {
        let mut open = self.open.lock().await;
        let alive = match open.take() {
            Some(open) => open.if_alive().await,
            None => None,
        };
        let conn = match alive {
            Some(conn) => conn,
            None => Arc::new(self.connect().await?),
        };
        *open = Some(Open { conn: Arc::clone(&conn), used_at: Instant::now() });
        Ok(conn)
    }

    async fn connect(&self) -> Result<Conn, Unavailable> {
        let conn = self.target.connect().await?;
        plans::keep_for_good(&conn).await.map_err(|error| Unavailable::new(&self.target, error.to_string()))?;
        Ok(conn)
    }
}

impl Open {
    /// The connection, unless it is known to be gone. Only one that nobody uses is asked, since it has not been used for long.
    async fn if_alive(mut self) -> Option<Arc<Conn>> {
        if let Some(conn) = Arc::get_mut(&mut self.conn)
            && (conn.is_broken() || !still_answers(conn, self.used_at.elapsed()).await)
        {
            return None;
        }
        Some(self.conn)
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lane({})", self.target)
    }
}
