//! Sealed secrets are bound to their column and row.

use crate::types::id::ConnectionId;

/// Names the place of a secret, so that sealed bytes are of no use in another row or column.
pub(super) fn context(column: &str, id: ConnectionId) -> String {
    format!("connections.{column}:{id}")
}
