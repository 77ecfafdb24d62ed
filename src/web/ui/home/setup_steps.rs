//! The set-up checklist of a new installation, whose steps are ticked off by what exists.

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::error::Result;
use crate::users::Role;

/// A step of the checklist.
#[derive(Debug, Serialize)]
pub(super) struct SetupStep {
    title: &'static str,
    text: &'static str,
    link: &'static str,
    action: &'static str,
    done: bool,
    /// Whether it is the first open step.
    is_next: bool,
    /// A sentence about which role does it, if the user may not.
    left_to: Option<&'static str>,
}

/// The steps that have been done at least once. Archiving or switching off later does not reopen a
/// step.
#[expect(clippy::struct_excessive_bools, reason = "each is one tick of the list")]
#[derive(Debug, Clone, Copy, Default, QueryableByName)]
pub(super) struct SetupProgress {
    #[diesel(sql_type = Bool)]
    sender: bool,
    #[diesel(sql_type = Bool)]
    template: bool,
    #[diesel(sql_type = Bool)]
    contact: bool,
    #[diesel(sql_type = Bool)]
    automation: bool,
    #[diesel(sql_type = Bool)]
    delivered: bool,
    /// Whether a message of an automation was ever delivered, for which all steps were necessary.
    /// The checklist then stays hidden, whatever is deleted later.
    #[diesel(sql_type = Bool)]
    was_completed: bool,
}

/// Reads the progress. An automation that has been switched on once is never a draft again.
const SETUP_PROGRESS: &str = "SELECT \
     EXISTS (SELECT FROM senders) AS sender, \
     EXISTS (SELECT FROM templates) AS template, \
     EXISTS (SELECT FROM contacts) AS contact, \
     EXISTS (SELECT FROM automations WHERE status <> 'draft') AS automation, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered') OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered') AS delivered, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered' AND automation_id IS NOT NULL) \
     OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered' AND automation_id IS NOT NULL) AS was_completed";

impl SetupProgress {
    /// All steps done, for samples and tests.
    #[cfg(debug_assertions)]
    pub(super) const COMPLETE: Self = Self {
        sender: true,
        template: true,
        contact: true,
        automation: true,
        delivered: true,
        was_completed: true,
    };

    /// Loads the progress of the installation.
    pub(super) async fn load(conn: &mut Conn) -> Result<Self> {
        Ok(diesel::sql_query(SETUP_PROGRESS).get_result(conn).await?)
    }
}

/// The checklist for a user of this role; empty when all is done.
pub(super) fn steps(progress: SetupProgress, role: Role) -> Vec<SetupStep> {
    let all = [
        (
            "Connect Twilio",
            "Your own account, and the number that you send from.",
            "/connections",
            "Connect",
            progress.sender,
            Role::Admin,
        ),
        (
            "Write a template",
            "The text of an SMS, with the contact’s name and more in it.",
            "/templates",
            "Write",
            progress.template,
            Role::Marketer,
        ),
        (
            "Add a contact",
            "Yourself, to begin with. Others come by hand, or from your shop through the API.",
            "/contacts",
            "Add",
            progress.contact,
            Role::Marketer,
        ),
        (
            "Switch on an automation",
            "Something happens, and the right SMS follows.",
            "/automations",
            "Automate",
            progress.automation,
            Role::Marketer,
        ),
        (
            "See the first message delivered",
            "Report an event for your contact, and follow its message until the carrier confirms \
             it.",
            "/messages",
            "Look",
            progress.delivered,
            Role::Viewer,
        ),
    ];
    let next = all.iter().position(|(_, _, _, _, done, _)| !done);
    let step =
        |(at, (title, text, link, action, done, required)): (usize, (_, _, _, _, _, Role))| {
            let left_to = match required {
                _ if role >= required => None,
                Role::Admin => Some("An admin does this."),
                Role::Marketer | Role::Viewer => Some("A marketer or an admin does this."),
            };
            SetupStep { title, text, link, action, done, is_next: next == Some(at), left_to }
        };
    if next.is_some() && !progress.was_completed {
        all.into_iter().enumerate().map(step).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_steps_are_ticked_and_a_finished_list_is_hidden() {
        let progress = SetupProgress { sender: true, contact: true, ..SetupProgress::default() };
        let ticks: Vec<(bool, bool)> =
            steps(progress, Role::Admin).iter().map(|step| (step.done, step.is_next)).collect();
        assert_eq!(
            ticks,
            [(true, false), (false, true), (true, false), (false, false), (false, false)]
        );
        assert!(steps(SetupProgress::COMPLETE, Role::Admin).is_empty());
        assert!(
            steps(SetupProgress { contact: false, ..SetupProgress::COMPLETE }, Role::Admin)
                .is_empty(),
            "deleting the only contact does not bring the list back"
        );
    }

    #[test]
    fn a_step_is_offered_only_to_roles_that_may_do_it() {
        let offered = |role| {
            steps(SetupProgress::default(), role)
                .iter()
                .map(|step| step.left_to.is_none())
                .collect::<Vec<_>>()
        };
        assert_eq!(offered(Role::Admin), [true, true, true, true, true]);
        assert_eq!(offered(Role::Marketer), [false, true, true, true, true]);
        assert_eq!(offered(Role::Viewer), [false, false, false, false, true]);
    }
}
