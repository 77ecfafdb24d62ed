//! Advisory locks of PostgreSQL that many transactions share, or one holds exclusively.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::Conn;
use super::statement::statement;

/// An advisory lock, named by an arbitrary key that is the same for all processes on a database. A
/// transaction holds it until it ends.
pub(crate) struct AdvisoryLock(i64);

statement! {
    /// Takes a lock shared with others.
    struct LockShared { key: i64 => BigInt }
    returns ();
    "SELECT pg_advisory_xact_lock_shared({key})"
}

statement! {
    /// Takes a lock exclusively.
    struct LockExclusive { key: i64 => BigInt }
    returns ();
    "SELECT pg_advisory_xact_lock({key})"
}

impl AdvisoryLock {
    /// The lock with this key.
    pub(crate) const fn new(key: i64) -> Self {
        Self(key)
    }

    /// Takes the lock shared; waits for a transaction that holds it exclusively.
    pub(crate) async fn lock_shared(&self, mut conn: &Conn) -> diesel::QueryResult<()> {
        LockShared { key: self.0 }.execute(&mut conn).await.map(drop)
    }

    /// Takes the lock exclusively; waits for all other transactions that hold it.
    pub(crate) async fn lock_exclusive(&self, conn: &mut Conn) -> diesel::QueryResult<()> {
        LockExclusive { key: self.0 }.execute(conn).await.map(drop)
    }
}
