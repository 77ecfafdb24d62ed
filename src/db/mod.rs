//! PostgreSQL: pool, migrations, generated schema, and the embedded server.

pub mod schema;

/// A connection to the database; slices take it as `&mut Conn`, inside or outside a transaction.
pub type Conn = diesel_async::AsyncPgConnection;
