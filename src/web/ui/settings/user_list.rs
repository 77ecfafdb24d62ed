//! The list of users and open invitations.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::types::id::InvitationId;
use crate::users::invitations::{self, Invitation};
use crate::users::{self, Role, User};
use crate::web::{Admin, Page, PageResult, Query, Visit};

/// The page that lists all users, and the invitations that have not been accepted.
#[derive(Debug, Serialize)]
pub(in crate::web) struct UserListPage {
    users: Vec<User>,
    invited: Vec<Invited>,
    /// Whether those seen last come first, instead of the order of names.
    by_seen: bool,
}

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserListQuery {
    /// `seen`, or blank for the order of names.
    sort: String,
}

#[derive(Debug, Serialize)]
struct Invited {
    id: InvitationId,
    email: String,
    role: Role,
    expires_at: DateTime<Utc>,
    /// Whether the invitation has expired.
    ended: bool,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<UserListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let mut users = users::list(&mut conn).await?;
    let invitations = invitations::list(&mut conn).await?;
    drop(conn);
    let now = visit.now();
    let by_seen = query.sort == "seen";
    if by_seen {
        users.sort_by_key(|user| Reverse(user.seen_at));
    }
    visit.page(&UserListPage {
        users,
        by_seen,
        invited: invitations.into_iter().map(|invitation| Invited::of(invitation, now)).collect(),
    })
}

/// The settings begin with the list of users.
pub(super) async fn redirect_to_list(visit: Visit<Admin>) -> PageResult {
    visit.redirect("/settings/users").without_message()
}

impl Invited {
    fn of(invitation: Invitation, now: DateTime<Utc>) -> Self {
        let Invitation { id, email, role, expires_at, .. } = invitation;
        Self { id, email, role, expires_at, ended: expires_at <= now }
    }
}

impl Page for UserListPage {
    const TEMPLATE: &'static str = "ui/settings/user_list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/user_list.rs"]
mod samples;
