//! A lane: a connection of its own for one stream of batches, which come one after the other.

use diesel_async::pooled_connection::PoolableConnection;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::pool::still_answers;
use super::{Conn, Pool, Target, Unavailable, generic_plans};

/// A connection beside the pool for statements that are transactions in themselves: nothing has to
/// be said before or after them.
pub struct DedicatedConnection {
    target: Target,
    open: Mutex<Option<Open>>,
}

struct Open {
    conn: Conn,
    used_at: Instant,
}

impl DedicatedConnection {
    /// A lane to the database of a pool; it connects when it is first used.
    #[must_use]
    pub fn beside(pool: &Pool) -> Self {
        Self { target: pool.target().clone(), open: Mutex::new(None) }
    }

    /// Does some work on the connection, after whoever has it now. Its caller's runtime drives the
    /// connection from then on.
    pub async fn run<T, E: From<Unavailable>>(
        &self,
        work: impl AsyncFnOnce(&Conn) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut open = self.open.lock().await;
        let alive = match open.take() {
            Some(open) => open.if_alive().await,
            None => None,
        };
        let mut ready = match alive {
            Some(ready) => ready,
            None => self.connect().await?,
        };
        let result = work(&ready.conn).await;
        // After an error nobody knows what state it is in; another is quickly opened.
        if result.is_ok() {
            ready.used_at = Instant::now();
            *open = Some(ready);
        }
        result
    }

    async fn connect(&self) -> Result<Open, Unavailable> {
        let conn = self.target.connect().await?;
        generic_plans::keep_for_good(&conn)
            .await
            .map_err(|error| Unavailable::new(&self.target, error.to_string()))?;
        Ok(Open { conn, used_at: Instant::now() })
    }
}

impl Open {
    async fn if_alive(mut self) -> Option<Self> {
        let alive =
            !self.conn.is_broken() && still_answers(&mut self.conn, self.used_at.elapsed()).await;
        alive.then_some(self)
    }
}

impl std::fmt::Debug for DedicatedConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DedicatedConnection({})", self.target)
    }
}
