//! How far a new installation is set up: from a sender to the first delivered message of an
//! automation.

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::error::Result;

/// The steps that have been done at least once. Archiving or switching off later does not reopen a
/// step.
#[expect(clippy::struct_excessive_bools, reason = "each is one tick of the list")]
#[derive(Debug, Clone, Copy, Default, QueryableByName)]
pub(crate) struct SetupProgress {
    #[diesel(sql_type = Bool)]
    pub(crate) connection: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) sender: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) template: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) contact: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) automation: bool,
    /// Whether a message of an automation was ever delivered, for which all steps were necessary.
    /// The checklist then stays hidden, whatever is deleted later.
    #[diesel(sql_type = Bool)]
    pub(crate) delivered: bool,
}

/// Asks whether the tables of six slices have rows. An automation that has been switched on once
/// is never a draft again.
const SETUP_PROGRESS: &str = "SELECT \
     EXISTS (SELECT FROM connections) AS connection, \
     EXISTS (SELECT FROM senders) AS sender, \
     EXISTS (SELECT FROM templates) AS template, \
     EXISTS (SELECT FROM contacts) AS contact, \
     EXISTS (SELECT FROM automations WHERE status <> 'draft') AS automation, \
     EXISTS (SELECT FROM ledger WHERE outcome = 'delivered' AND automation_id IS NOT NULL) \
     OR EXISTS (SELECT FROM ledger_changes WHERE outcome = 'delivered' AND automation_id IS NOT NULL) AS delivered";

impl SetupProgress {
    /// All steps done, for samples and tests.
    #[cfg(debug_assertions)]
    pub(crate) const COMPLETE: Self = Self {
        connection: true,
        sender: true,
        template: true,
        contact: true,
        automation: true,
        delivered: true,
    };

    /// Loads the progress of the installation.
    pub(crate) async fn load(conn: &mut Conn) -> Result<Self> {
        Ok(diesel::sql_query(SETUP_PROGRESS).get_result(conn).await?)
    }
}
