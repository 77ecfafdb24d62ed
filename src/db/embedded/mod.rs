//! An embedded PostgreSQL: found among the installed programs, stored in the data directory,
//! stopped with this process.
//!
//! The process that holds the lock on `<data_dir>/postgres.lock` runs the server; every other
//! Carillon on the same data directory attaches to it, and takes the server over when the lock
//! becomes free. The server listens on a unix socket only, in a directory that is closed to other
//! users.
//!
//! Start with [`Embedded::attach_or_start`].

mod binaries;
mod cluster_files;
mod embedded_postgres;
mod error;
mod keeper;
mod memory_settings;
mod options;
mod server;
mod stop_signal;
mod system_account;

pub use embedded_postgres::Embedded;
pub use error::EmbeddedError;
pub use keeper::Ownership;
pub use options::{Durability, EmbeddedOptions};

#[cfg(test)]
mod tests;
