//! PostgreSQL: pool, migrations, generated schema, and the embedded server.

mod constraint;
pub mod embedded;
mod migrate;
mod pool;
#[expect(missing_docs, reason = "generated; the migrations' comments document the tables")]
pub mod schema;
pub(crate) mod statement;
mod target;
mod unavailable;

pub use constraint::constraint;
pub use embedded::{Durability, Embedded, EmbeddedError, EmbeddedOptions, Ownership};
pub use migrate::{MIGRATIONS, MigrateError, migrate, pending};
pub use pool::{Pool, PooledConn};
pub use target::{Target, TargetError};
pub use unavailable::{Unavailable, is_away};

/// A connection to the database; slices take it as `&mut Conn`, inside or outside a transaction.
pub type Conn = diesel_async::AsyncPgConnection;
