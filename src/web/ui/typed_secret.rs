//! A secret as a user types it into a form.

use serde::Deserialize;

/// A secret that was typed into a form; `Debug` hides it, and it cannot be serialized.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct TypedSecret(pub(super) String);

impl std::fmt::Debug for TypedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TypedSecret(…)")
    }
}
