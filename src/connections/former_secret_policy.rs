//! Whether a replaced key or secret is still accepted.

use crate::types::text_enum::text_enum;

text_enum! {
    /// Whether a replaced Auth Token or webhook secret is still accepted.
    pub enum FormerSecretPolicy {
        /// Webhooks that it authenticates are accepted for a week.
        Accept = "accept",
        /// Rejected from now on, because it has leaked.
        Refuse = "refuse",
    }
}
