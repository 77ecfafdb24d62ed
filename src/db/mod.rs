//! PostgreSQL: how the database is reached, migrated and queried. A [`Target`] says where it is, a
//! [`Pool`] lends connections ([`Conn`]), [`migrate()`] brings the schema up to date, and
//! [`Embedded`] runs a server on the same machine. [`transaction()`] runs a transaction whose types
//! keep the order of locks. Start with [`Pool`].

pub(crate) mod advisory_lock;
pub mod database_facts;
mod dedicated_connection;
pub mod embedded;
pub mod generic_plans;
mod migrate;
mod pool;
mod pooler_check;
#[expect(missing_docs, reason = "generated; the migrations' comments document the tables")]
pub mod schema;
mod startup_wait_log;
pub(crate) mod statement;
pub mod table_sizes;
mod target;
mod transaction;
mod unavailable;
mod violated_constraint;

pub use database_facts::time;
pub use dedicated_connection::DedicatedConnection;
pub use embedded::{Durability, Embedded, EmbeddedError, EmbeddedOptions, Ownership};
pub use migrate::{MIGRATIONS, MigrateError, migrate, pending};
pub use pool::{Pool, PooledConn};
pub use pooler_check::{PoolerError, refuse_shared_sessions};
pub use target::{Target, TargetError};
pub use transaction::{Begun, Closing, TransactionFn, Tx, transaction};
pub use unavailable::{Unavailable, is_unavailable};
pub use violated_constraint::violated_constraint;

/// A connection to the database; slices take it as `&mut Conn`, inside or outside a transaction.
pub type Conn = diesel_async::AsyncPgConnection;
