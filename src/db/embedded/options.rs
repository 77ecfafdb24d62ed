//! Options of the embedded PostgreSQL: its data directory and its durability.

use std::path::PathBuf;

/// The name of both the role and the database, which are created on first start.
pub(super) const NAME: &str = "carillon";

/// The options of an embedded server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The directory of the cluster (`postgres/`), its log (`postgres.log`) and, if its path is
    /// short enough, the socket (`run/`).
    pub data_dir: PathBuf,
    /// How much data a power failure may cost.
    pub durability: Durability,
}

/// How much data a power failure may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// No committed data.
    Durable,
    /// All data, since fsync is off; for tests.
    Volatile,
}

impl EmbeddedOptions {
    /// Durable options for `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durability: Durability::Durable }
    }

    /// These options without fsync, for tests.
    #[must_use]
    pub fn volatile(self) -> Self {
        Self { durability: Durability::Volatile, ..self }
    }
}
