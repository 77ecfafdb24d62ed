//! The set-up checklist of a new installation, whose steps are ticked off by what exists.

use serde::Serialize;

use crate::automations::SetupProgress;
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

impl SetupStep {
    /// Whether the step is done.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }
}

/// The checklist for a user of this role; empty when all is done.
pub(super) fn steps(progress: SetupProgress, role: Role) -> Vec<SetupStep> {
    let all = [
        (
            "Connect Twilio",
            "Use your own account and its numbers.",
            if progress.connection { "/connections" } else { "/connections/new" },
            "Connect Twilio",
            progress.sender,
            Role::Admin,
        ),
        (
            "Write a template",
            "The text of an SMS, with the contact’s name in it.",
            "/templates",
            "Write template",
            progress.template,
            Role::Marketer,
        ),
        (
            "Add a contact",
            "Add yourself first. Your shop adds others by API.",
            "/contacts",
            "Add contact",
            progress.contact,
            Role::Marketer,
        ),
        (
            "Switch on an automation",
            "Send texts when something happens.",
            "/automations",
            "Open automations",
            progress.automation,
            Role::Marketer,
        ),
        (
            "See its first message delivered",
            "Send a test event from the automation’s page.",
            "/automations",
            "Send test event",
            progress.delivered,
            Role::Viewer,
        ),
    ];
    let next = all.iter().position(|(_, _, _, _, done, _)| !done);
    let step =
        |(at, (title, text, link, action, done, required)): (usize, (_, _, _, _, _, Role))| {
            let left_to = match required {
                _ if role >= required => None,
                Role::Admin => Some("An admin does this"),
                Role::Marketer | Role::Viewer => Some("A marketer or an admin does this"),
            };
            SetupStep { title, text, link, action, done, is_next: next == Some(at), left_to }
        };
    if progress.delivered { Vec::new() } else { all.into_iter().enumerate().map(step).collect() }
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
