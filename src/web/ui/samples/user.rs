//! A user for the samples of the pages.

use chrono::DateTime;

use crate::types::id::UserId;
use crate::users::{Role, Theme, User};

/// A user of this name and role, who has never been active.
pub(in crate::web) fn user(name: &str, role: Role) -> User {
    User {
        id: UserId::new(),
        email: "ada@example.com".to_owned(),
        name: name.to_owned(),
        role,
        created_at: DateTime::UNIX_EPOCH,
        disabled_at: None,
        seen_at: None,
        time_zone: None,
        theme: Theme::Automatic,
    }
}
