//! The roles as options of a select box.

use crate::users::Role;
use crate::web::ui::Choice;

/// The roles with what each allows, in ascending order.
pub(super) fn roles() -> Vec<Choice> {
    let label = |role: &Role| match role {
        Role::Viewer => "Viewer: sees everything, changes nothing",
        Role::Marketer => "Marketer: also edits templates, contacts and automations, and sends",
        Role::Admin => "Admin: also connects Twilio and manages users, keys and settings",
    };
    Role::ALL.iter().map(|role| Choice::new(role.as_str(), label(role))).collect()
}
