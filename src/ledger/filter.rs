//! [`LedgerFilter`]: which messages to count.

use super::days::Days;
use crate::types::id::{AutomationId, SenderId};

/// Which outbound messages to count: those composed on some days, optionally of one origin or
/// sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerFilter {
    /// The days on which they were composed, in the ledger's time zone:
    /// [`crate::users::organization::Organization::day_zone`].
    pub days: Days,
    /// What created them.
    pub origin: Option<MessageOrigin>,
    /// The sender that they are sent from.
    pub sender_id: Option<SenderId>,
}

/// What creates messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOrigin {
    /// An automation.
    Automation(AutomationId),
    /// No automation: a user or program requested the single message, or its automation was
    /// deleted.
    OneOff,
}

impl LedgerFilter {
    /// The automation to count, and whether to count only messages without an automation.
    pub(crate) const fn automation_and_one_off(&self) -> (Option<AutomationId>, bool) {
        match self.origin {
            None => (None, false),
            Some(MessageOrigin::Automation(id)) => (Some(id), false),
            Some(MessageOrigin::OneOff) => (None, true),
        }
    }
}
