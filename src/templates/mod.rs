//! Templates: saved SMS text with variables, rendered in a sandbox.
