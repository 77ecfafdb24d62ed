//! Samples of the list of users: one user, and a disabled one with invitations.

use chrono::DateTime;

use super::{Invited, UserListPage};
use crate::types::id::InvitationId;
use crate::users::{Role, User};
use crate::web::ui::samples;
use crate::web::{Samples, Varies};

impl Samples for UserListPage {
    const VARIES: Varies = Varies {
        texts: &["users.name", "users.email", "invited.email"],
        lists: &["users", "invited"],
    };

    fn samples() -> Vec<Self> {
        let seen = User {
            seen_at: Some(DateTime::UNIX_EPOCH),
            ..samples::user("Ada <Lovelace>", Role::Admin)
        };
        let disabled =
            User { disabled_at: Some(DateTime::UNIX_EPOCH), ..samples::user("Ben", Role::Viewer) };
        let invited = |ended| Invited {
            id: InvitationId::new(),
            email: "eve@example.com".to_owned(),
            role: Role::Marketer,
            expires_at: DateTime::UNIX_EPOCH,
            ended,
        };
        vec![
            Self { users: vec![seen.clone()], invited: Vec::new(), by_seen: true },
            Self {
                users: vec![seen, disabled],
                invited: vec![invited(false), invited(true)],
                by_seen: false,
            },
        ]
    }
}
