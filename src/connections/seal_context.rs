//! Binds sealed secrets to their column and row.

use crate::types::id::ConnectionId;

/// The associated data of a sealed secret: its column and row, so that the ciphertext is useless
/// elsewhere.
pub(super) fn seal_context(column: &str, id: ConnectionId) -> String {
    format!("connections.{column}:{id}")
}
