//! Why a setting cannot be used.

/// A setting that cannot be used: one line that names it, what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);
