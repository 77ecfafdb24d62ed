//! Gates: advisory locks that many transactions pass together, or one alone.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::Conn;
use super::statement::statement;

/// A gate, named by a key that is arbitrary but the same for all processes on a database. Whoever
/// passes it is through until its transaction ends.
pub(crate) struct AdvisoryLock(i64);

statement! {
    /// Passes a gate together with others.
    struct LockShared { key: i64 => BigInt }
    returns ();
    "SELECT pg_advisory_xact_lock_shared({key})"
}

statement! {
    /// Passes a gate alone.
    struct LockExclusive { key: i64 => BigInt }
    returns ();
    "SELECT pg_advisory_xact_lock({key})"
}

impl AdvisoryLock {
    /// The gate with this key.
    pub(crate) const fn new(key: i64) -> Self {
        Self(key)
    }

    /// Passes beside others, after whoever is alone.
    pub(crate) async fn lock_shared(&self, mut conn: &Conn) -> diesel::QueryResult<()> {
        LockShared { key: self.0 }.execute(&mut conn).await.map(drop)
    }

    /// Passes when nobody else is through, and lets nobody through until the end.
    pub(crate) async fn lock_exclusive(&self, conn: &mut Conn) -> diesel::QueryResult<()> {
        LockExclusive { key: self.0 }.execute(conn).await.map(drop)
    }
}
