//! Transactions whose types say what they have locked, so that a wrong order does not compile.
//!
//! The order of locks is: first the advisory lock of contacts' deletion, or that of the ledger;
//! then that of the keys of sources' people; then row locks; then STOP's advisory lock; last the
//! rows of `throttles`, by sender id, and after one of the last two a transaction waits for nothing
//! else. [`transaction()`] passes a [`Begun`], which its first lock or [`Begun::open`] turns into a
//! [`Tx`], and [`Tx::close`] into a [`Closing`].
//!
//! ```
//! use carillon::automations::consequences;
//! use carillon::contacts::{self, NewContact};
//! use carillon::db::{self, Conn};
//! use carillon::error::Result;
//! use chrono::{DateTime, Utc};
//!
//! async fn create(conn: &mut Conn, new: NewContact, now: DateTime<Utc>) -> Result<()> {
//!     db::transaction(conn, async |tx| {
//!         let mut tx = tx.open();
//!         let (_, changes) = contacts::create(&mut tx, new, now).await?;
//!         consequences::react_to_changes(tx, &changes, &[], now).await?;
//!         Ok(())
//!     })
//!     .await
//! }
//! ```
//!
//! A transaction that is closing locks nothing else:
//!
//! ```compile_fail,E0382
//! # use carillon::automations::consequences;
//! # use carillon::contacts;
//! # use carillon::db::Tx;
//! # use carillon::error::Result;
//! # use carillon::types::id::ContactId;
//! # use chrono::{DateTime, Utc};
//! async fn find_late(mut tx: Tx<'_>, id: ContactId, now: DateTime<Utc>) -> Result<()> {
//!     consequences::react_to_changes(tx, &[], &[], now).await?;
//!     contacts::find(&mut tx, id).await?;
//!     Ok(())
//! }
//! ```
//!
//! Deletions of contacts are held off before anything is locked:
//!
//! ```compile_fail,E0308
//! # use carillon::contacts::deletion;
//! # use carillon::db::Tx;
//! # use carillon::error::Result;
//! async fn hold_off_late(tx: Tx<'_>) -> Result<()> {
//!     deletion::hold_off(tx).await?;
//!     Ok(())
//! }
//! ```
//!
//! Messages are composed only while deletions are held off:
//!
//! ```compile_fail,E0308
//! # use carillon::db::Begun;
//! # use carillon::error::Result;
//! # use carillon::messages::compose::{self, SendBy};
//! # use chrono::{DateTime, Utc};
//! async fn compose_early(tx: Begun<'_>, now: DateTime<Utc>) -> Result<()> {
//!     compose::compose_many(tx.open(), now, Vec::new(), SendBy::AnyWorker).await?;
//!     Ok(())
//! }
//! ```

use std::ops::{Deref, DerefMut};

use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, TransactionManager};

use super::Conn;

type Manager = <Conn as AsyncConnection>::TransactionManager;

/// A transaction that has locked nothing yet.
pub struct Begun<'t>(&'t mut Conn);

/// A transaction that may lock anything; dereferences to [`Conn`].
pub struct Tx<'t>(&'t mut Conn);

/// A transaction that may hold STOP's lock or rows of `throttles`, and waits for no other lock
/// before its commit.
pub struct Closing<'t>(&'t mut Conn);

/// The work of a [`transaction()`]: an async closure whose future has a name, to require that it is
/// `Send`.
///
/// Bounds on the future of an [`AsyncFnOnce`] are not stable; diesel-async has the same trait, but
/// does not export it.
pub trait TransactionFn<T, R>:
    AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as TransactionFn<T, R>>::Fut
{
    /// The future.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> TransactionFn<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// Runs `work` in a transaction, which commits if it succeeds and rolls back if it fails.
///
/// Panics if the connection is in a transaction already: that one may have locked something, so
/// that [`Begun`] would be wrong.
pub async fn transaction<T, E, F>(conn: &mut Conn, work: F) -> Result<T, E>
where
    F: for<'t> AsyncFnOnce(Begun<'t>) -> Result<T, E>
        + for<'t> TransactionFn<Begun<'t>, Result<T, E>, Fut: Send>
        + Send,
    T: Send,
    E: From<DieselError> + Send,
{
    let depth = Manager::transaction_manager_status_mut(conn).transaction_depth();
    assert!(
        !matches!(depth, Ok(Some(_))),
        "a transaction cannot begin within another one: pass that one on"
    );
    Manager::begin_transaction(conn).await?;
    match work(Begun(&mut *conn)).await {
        Ok(value) => {
            Manager::commit_transaction(conn).await?;
            Ok(value)
        }
        Err(error) => match Manager::rollback_transaction(conn).await {
            // A broken transaction is probably a consequence of the first error.
            Ok(()) | Err(DieselError::BrokenTransactionManager) => Err(error),
            Err(rollback_error) => Err(rollback_error.into()),
        },
    }
}

impl<'t> Begun<'t> {
    /// The connection, for reads that lock no row.
    pub const fn reads(&mut self) -> &mut Conn {
        self.0
    }

    /// The connection, for the transaction's first lock and for settings, which can be sent
    /// together.
    pub(crate) const fn first_statements(&self) -> &Conn {
        self.0
    }

    /// Opens the part of the transaction that locks rows.
    pub const fn open(self) -> Tx<'t> {
        Tx(self.0)
    }
}

impl<'t> Tx<'t> {
    /// Closes the part of the transaction that locks rows.
    pub const fn close(self) -> Closing<'t> {
        Closing(self.0)
    }
}

impl Closing<'_> {
    /// The connection, for statements that wait for no lock: reads, inserts, and changes of rows
    /// that this transaction has locked, or that no other one changes, such as its own jobs.
    pub const fn without_waiting(&mut self) -> &mut Conn {
        self.0
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0
    }
}

impl std::fmt::Debug for Begun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun")
    }
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

impl std::fmt::Debug for Closing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closing")
    }
}
