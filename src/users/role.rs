//! Roles: what a user or an API key may do.

use crate::types::text_enum::text_enum;

text_enum! {
    /// What a user or an API key may do; each role includes those declared before it.
    pub enum Role {
        /// Can read everything and change nothing.
        Viewer = "viewer",
        /// Can also edit templates, contacts and automations, and send messages.
        Marketer = "marketer",
        /// Can also connect Twilio accounts, and manage users and API keys.
        Admin = "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_includes_the_lesser_ones() {
        assert!(Role::Admin > Role::Marketer && Role::Marketer > Role::Viewer);
    }
}
