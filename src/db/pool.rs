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

/// How long after its last use a connection is lent without a check that it still answers.
const TRUST_PERIOD: Duration = Duration::from_secs(10);

/// Connections to one database, opened as needed and reused; cheap to clone.
#[derive(Clone)]
pub struct Pool {
    connections: Deadpool<Conn>,
    target: Target,
}

/// A borrowed connection, returned to the pool when dropped; dereferences to [`Conn`]. With an open
/// transaction, which a dropped request or worker left, it is closed instead: in the pool it would
/// hold its locks, such as the advisory lock of STOP, until its next use.
pub struct PooledConn(Option<Object<Conn>>);

impl Pool {
    /// Creates a pool of at most `size` connections on the current runtime; none is opened yet.
    pub fn new(target: Target, size: NonZeroUsize) -> Self {
        let mut config = ManagerConfig::default();
        // A connection that PostgreSQL has closed is not lent again; one that the network has
        // dropped silently is found by `still_answers`.
        config.recycling_method = RecyclingMethod::Fast;
        let to = target.clone();
        // A connection ends with the runtime that opened it: on the runtime of a web server thread,
        // it could end while the worker uses it.
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
                // Without all three timeouts, a caller that waits while PostgreSQL restarts would
                // wait for ever.
                .wait_timeout(Some(TIMEOUT))
                .create_timeout(Some(target.connect_timeout()))
                .recycle_timeout(Some(TIMEOUT))
                .runtime(Runtime::Tokio1)
                .build()
                .expect("only a pool without a runtime cannot be built");
        Self { connections, target }
    }

    /// Lends a connection that answers. Waits at most two seconds for each of: a free slot,
    /// connecting, the answer of the connection.
    pub async fn get(&self) -> Result<PooledConn, Unavailable> {
        let borrowed = self.connections.get().await.map_err(|error| {
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
        Ok(PooledConn(Some(borrowed)))
    }

    /// The database of the pool; also opens connections outside the pool.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The numbers of open and of borrowed connections, for metrics.
    pub fn usage(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.size.saturating_sub(status.available))
    }

    /// Refuses further borrowing, and closes connections as they are returned.
    pub fn close(&self) {
        self.connections.close();
    }
}

/// Checks that a connection still answers if it was unused for [`TRUST_PERIOD`]; a check at every
/// use would cost a round trip.
pub(super) async fn still_answers(conn: &mut Conn, unused: Duration) -> bool {
    unused < TRUST_PERIOD
        || matches!(timeout(TIMEOUT, conn.ping(&RecyclingMethod::Verified)).await, Ok(Ok(())))
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({})", self.target)
    }
}

/// What `expect` says of a missing connection: only `drop` takes it out.
const PRESENT: &str = "a borrowed connection is present until it is dropped";

impl Drop for PooledConn {
    fn drop(&mut self) {
        if let Some(mut borrowed) = self.0.take()
            && borrowed.is_broken()
        {
            drop(Object::take(borrowed));
        }
    }
}

impl Deref for PooledConn {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.as_ref().expect(PRESENT)
    }
}

impl DerefMut for PooledConn {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.as_mut().expect(PRESENT)
    }
}
