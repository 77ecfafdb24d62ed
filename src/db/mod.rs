//! PostgreSQL: pool, migrations, generated schema, and the embedded server.
