//! The list for beginners, which ticks itself.

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::error::Result;
use crate::users::Role;

/// One line of the list.
#[derive(Debug, Serialize)]
pub(super) struct SetupStep {
    title: &'static str,
    text: &'static str,
    link: &'static str,
    action: &'static str,
    done: bool,
    /// Whether it is the first that is not done.
    is_next: bool,
    /// Who does it, where the visitor may not.
    left_to: Option<&'static str>,
}

/// What has been done, once at least: what is switched off later, or archived, has been done all
/// the same.
#[expect(clippy::struct_excessive_bools, reason = "each is one tick of the list")]
#[derive(Debug, Clone, Copy, Default, QueryableByName)]
pub(super) struct Done {
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
    /// An automation's message was delivered, for which all the rest was needed: the list never
    /// comes back, whatever is deleted.
    #[diesel(sql_type = Bool)]
    all: bool,
}

/// What was switched on once never becomes a draft again.
const DONE: &str = "SELECT \
     EXISTS (SELECT FROM senders) AS sender, \
     EXISTS (SELECT FROM templates) AS template, \
     EXISTS (SELECT FROM contacts) AS contact, \
     EXISTS (SELECT FROM automations WHERE status <> 'draft') AS automation, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered') OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered') AS delivered, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered' AND automation_id IS NOT NULL) \
     OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered' AND automation_id IS NOT NULL) AS \"all\"";

impl Done {
    /// Looks what there is.
    pub(super) async fn load(conn: &mut Conn) -> Result<Self> {
        Ok(diesel::sql_query(DONE).get_result(conn).await?)
    }
}

/// The list for somebody of this role; empty when all is done.
pub(super) fn steps(done: Done, role: Role) -> Vec<SetupStep> {
    let all = [
        (
            "Connect Twilio",
            "Your own account, and the number that you send from.",
            "/connections",
            "Connect",
            done.sender,
            Role::Admin,
        ),
        (
            "Write a template",
            "The text of an SMS, with the contact’s name and more in it.",
            "/templates",
            "Write",
            done.template,
            Role::Marketer,
        ),
        (
            "Add a contact",
            "Yourself, to begin with. Others come by hand, or from your shop through the API.",
            "/contacts",
            "Add",
            done.contact,
            Role::Marketer,
        ),
        (
            "Switch on an automation",
            "Something happens, and the right SMS follows.",
            "/automations",
            "Automate",
            done.automation,
            Role::Marketer,
        ),
        (
            "See the first message delivered",
            "Report an event for your contact, and follow its message until the carrier confirms \
             it.",
            "/messages",
            "Look",
            done.delivered,
            Role::Viewer,
        ),
    ];
    let next = all.iter().position(|(_, _, _, _, done, _)| !done);
    let step = |(at, (title, text, link, action, done, needed)): (usize, (_, _, _, _, _, Role))| {
        let left_to = match needed {
            _ if role >= needed => None,
            Role::Admin => Some("An admin does this."),
            Role::Marketer | Role::Viewer => Some("A marketer or an admin does this."),
        };
        SetupStep { title, text, link, action, done, is_next: next == Some(at), left_to }
    };
    if next.is_some() && !done.all {
        all.into_iter().enumerate().map(step).collect()
    } else {
        Vec::new()
    }
}

#[cfg(debug_assertions)]
#[path = "samples/steps.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_ticks_itself_and_goes_when_all_is_done() {
        let some = Done { sender: true, contact: true, ..Done::default() };
        let told: Vec<(bool, bool)> =
            steps(some, Role::Admin).iter().map(|step| (step.done, step.is_next)).collect();
        assert_eq!(
            told,
            [(true, false), (false, true), (true, false), (false, false), (false, false)]
        );
        assert!(steps(Done::ALL, Role::Admin).is_empty());
        assert!(
            steps(Done { contact: false, ..Done::ALL }, Role::Admin).is_empty(),
            "whose only contact was deleted is no beginner again"
        );
    }

    #[test]
    fn nobody_is_offered_what_they_may_not_do() {
        let offered = |role| {
            steps(Done::default(), role)
                .iter()
                .map(|step| step.left_to.is_none())
                .collect::<Vec<_>>()
        };
        assert_eq!(offered(Role::Admin), [true, true, true, true, true]);
        assert_eq!(offered(Role::Marketer), [false, true, true, true, true]);
        assert_eq!(offered(Role::Viewer), [false, false, false, false, true]);
    }
}
