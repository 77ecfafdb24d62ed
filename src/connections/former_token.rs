//! What becomes of a key or secret that is replaced.

use crate::types::text_enum::text_enum;

text_enum! {
    /// What becomes of the Auth Token that is replaced.
    pub enum FormerToken {
        /// Webhooks that it signs are accepted for a week.
        Accept = "accept",
        /// It proves nothing any more, from now on: it has leaked.
        Refuse = "refuse",
    }
}
