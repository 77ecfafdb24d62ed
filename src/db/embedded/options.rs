//! Where the embedded PostgreSQL lives, and how it treats data.

use std::path::PathBuf;

/// Role and database, both made on first start.
pub(super) const NAME: &str = "carillon";

/// Where the server lives and how it treats data.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Holds the cluster (`postgres/`), its log (`postgres.log`) and, if its path is short enough,
    /// the socket (`run/`).
    pub data_dir: PathBuf,
    /// What a power failure may cost.
    pub durability: Durability,
}

/// What a power failure may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    Durable,
    /// Everything: no fsync. For tests, whose data nobody misses.
    Volatile,
}

impl EmbeddedOptions {
    /// Durable, in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durability: Durability::Durable }
    }

    /// The same without fsync, for tests.
    #[must_use]
    pub fn volatile(self) -> Self {
        Self { durability: Durability::Volatile, ..self }
    }
}
