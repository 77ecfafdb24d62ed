//! The pool of connections that one process shares.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::TimeoutType;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{
    Hook, HookError, Object, Pool as Deadpool, PoolError,
};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
};
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::target::TIMEOUT;
use super::{Conn, Target, Unavailable};

/// So long after its last loan a connection is lent without asking whether it is still there.
const TRUSTED: Duration = Duration::from_secs(10);

/// Connections to one database, opened as needed and used again; cheap to clone.
#[derive(Clone)]
pub struct Pool {
    connections: Deadpool<Conn>,
    target: Target,
}

/// A connection on loan; goes back when it is dropped. Dereferences to [`Conn`].
///
/// With a transaction that nobody will end, because a request or a worker was dropped in the midst
/// of it, it is closed instead: in the pool it would keep its locks, STOP's gate among them, until
/// somebody borrows it.
pub struct PooledConn(Option<Object<Conn>>);

impl Pool {
    /// A pool of at most `size` connections on the present runtime; none is opened yet.
    pub fn new(target: Target, size: NonZeroUsize) -> Self {
        let mut config = ManagerConfig::default();
        // One that PostgreSQL has closed is not lent again; one that has died silently, because of
        // the network, is found by `still_answers`.
        config.recycling_method = RecyclingMethod::Fast;
        let to = target.clone();
        // A connection ends with the runtime that opened it: with that of a thread of the web
        // server, it would end under the worker.
        let runtime = Handle::current();
        config.custom_setup = Box::new(move |_| {
            let to = to.clone();
            let opened = runtime.spawn(async move { to.connect().await });
            async move {
                let conn = AbortOnDropHandle::new(opened)
                    .await
                    .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
                conn.map_err(|error| ConnectionError::BadConnection(error.reason().to_owned()))
            }
            .boxed()
        });
        let connections =
            Deadpool::builder(AsyncDieselConnectionManager::new_with_config(String::new(), config))
                .max_size(size.get())
                .pre_recycle(Hook::async_fn(|conn, metrics| {
                    let dead = || HookError::message("the connection does not answer any more");
                    still_answers(conn, metrics.last_used())
                        .map(move |alive| alive.then_some(()).ok_or_else(dead))
                        .boxed()
                }))
                // Without all three, whoever waits while PostgreSQL restarts waits for ever.
                .wait_timeout(Some(TIMEOUT))
                .create_timeout(Some(target.patience()))
                .recycle_timeout(Some(TIMEOUT))
                .runtime(Runtime::Tokio1)
                .build()
                .expect("only a pool without a runtime cannot be built");
        Self { connections, target }
    }

    /// Lends a connection that answers; waits at most two seconds for each of: a free place, the
    /// connecting, its answer.
    pub async fn get(&self) -> Result<PooledConn, Unavailable> {
        let lent = self.connections.get().await.map_err(|error| {
            let size = self.connections.status().max_size;
            let reason = match error {
                PoolError::Timeout(TimeoutType::Wait) => {
                    format!(
                        "all {size} connections were busy for 2 seconds \
                         (CARILLON_DATABASE_CONNECTIONS sets their number)"
                    )
                }
                PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                    "it did not answer within 2 seconds".to_owned()
                }
                PoolError::Backend(error) => error.to_string(),
                other => other.to_string(),
            };
            Unavailable::new(&self.target, reason)
        })?;
        Ok(PooledConn(Some(lent)))
    }

    /// Where the connections lead to; also opens connections outside the pool.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Connections that are open and connections on loan, for metrics.
    pub fn usage(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.size.saturating_sub(status.available))
    }

    /// Refuses further loans and closes connections as they come back.
    pub fn close(&self) {
        self.connections.close();
    }
}

/// Asks a connection that has not been lent for a while whether it is still there; to ask each time
/// would be one more round trip.
pub(super) async fn still_answers(conn: &mut Conn, unused: Duration) -> bool {
    unused < TRUSTED
        || matches!(timeout(TIMEOUT, conn.ping(&RecyclingMethod::Verified)).await, Ok(Ok(())))
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({})", self.target)
    }
}

/// Only the end takes the connection out.
const LENT: &str = "a connection is there for as long as it is on loan";

impl Drop for PooledConn {
    fn drop(&mut self) {
        if let Some(mut lent) = self.0.take()
            && lent.is_broken()
        {
            drop(Object::take(lent));
        }
    }
}

impl Deref for PooledConn {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.as_ref().expect(LENT)
    }
}

impl DerefMut for PooledConn {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.as_mut().expect(LENT)
    }
}
