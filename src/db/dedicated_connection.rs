//! A dedicated connection, outside the pool, for one stream of consecutive batches.

use diesel_async::pooled_connection::PoolableConnection;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::pool::still_answers;
use super::{Conn, Pool, Target, Unavailable, generic_plans};

/// A connection outside the pool for statements that are each a transaction of their own, without
/// BEGIN and COMMIT.
pub struct DedicatedConnection {
    target: Target,
    open: Mutex<Option<Open>>,
}

struct Open {
    conn: Conn,
    used_at: Instant,
}

impl DedicatedConnection {
    /// A dedicated connection to the database of a pool; it is opened on first use.
    #[must_use]
    pub fn beside(pool: &Pool) -> Self {
        Self { target: pool.target().clone(), open: Mutex::new(None) }
    }

    /// Runs `work` on the connection, after the caller that is using it now. The runtime of the
    /// caller that opens the connection drives it from then on.
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
        // After an error its state is unknown; opening a new one is cheap.
        if result.is_ok() {
            ready.used_at = Instant::now();
            *open = Some(ready);
        }
        result
    }

    async fn connect(&self) -> Result<Open, Unavailable> {
        let conn = self.target.connect().await?;
        generic_plans::force_for_connection(&conn)
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
