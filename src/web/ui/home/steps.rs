//! The list for beginners, which ticks itself.

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::error::Result;

/// One line of the list.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    title: &'static str,
    text: &'static str,
    link: &'static str,
    action: &'static str,
    done: bool,
    /// Whether it is the first that is not done.
    is_next: bool,
}

/// What has been done.
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
}

const DONE: &str = "SELECT \
     EXISTS (SELECT FROM senders WHERE disabled_at IS NULL AND stopped_at IS NULL) AS sender, \
     EXISTS (SELECT FROM templates WHERE archived_at IS NULL) AS template, \
     EXISTS (SELECT FROM contacts) AS contact, \
     EXISTS (SELECT FROM automations WHERE status = 'active') AS automation, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered') OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered') AS delivered";

impl Done {
    /// Everything.
    pub(super) const ALL: Self = Self { sender: true, template: true, contact: true, automation: true, delivered: true };

    /// Looks what there is.
    pub(super) async fn load(conn: &mut Conn) -> Result<Self> {
        Ok(diesel::sql_query(DONE).get_result(conn).await?)
    }
}

/// The list; empty when all is done.
pub(super) fn steps(done: Done) -> Vec<Step> {
    let all = [
        ("Connect Twilio", "Your own account, and the number that you send from.", "/connections", "Connect", done.sender),
        ("Write a template", "The text of an SMS, with the contact’s name and more in it.", "/templates", "Write", done.template),
        (
            "Add a contact",
            "Yourself, to begin with. Others come by hand, or from your shop through the API.",
            "/contacts",
            "Add",
            done.contact,
        ),
        ("Switch on an automation", "Something happens, and the right SMS follows.", "/automations", "Automate", done.automation),
        (
            "See the first message delivered",
            "Report an event for your contact, and follow its message until the carrier confirms it.",
            "/messages",
            "Look",
            done.delivered,
        ),
    ];
    let next = all.iter().position(|(.., done)| !done);
    let step = |(at, (title, text, link, action, done))| Step { title, text, link, action, done, is_next: next == Some(at) };
    if next.is_some() { all.into_iter().enumerate().map(step).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_ticks_itself_and_goes_when_all_is_done() {
        let some = Done { sender: true, contact: true, ..Done::default() };
        let told: Vec<(bool, bool)> = steps(some).iter().map(|step| (step.done, step.is_next)).collect();
        assert_eq!(told, [(true, false), (false, true), (true, false), (false, false), (false, false)]);
        assert!(steps(Done::ALL).is_empty());
    }
}
