//! [`ContactChange`]: a change to a contact that automations may react to.

use chrono::{DateTime, Utc};

use super::tags::TagName;
use crate::types::id::ContactId;

/// A change that can trigger an automation.
///
/// The functions of this slice return changes instead of reacting to them; the caller passes them
/// to the automations in the same transaction.
#[must_use = "automations react to it: pass it to automations::enroll::react in the same \
              transaction"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// A contact that did not exist before.
    ContactCreated(ContactId),
    /// A tag that the contact did not have before.
    TagAdded {
        /// The contact.
        contact_id: ContactId,
        /// The tag, spelt as it was first used.
        tag: TagName,
        /// When it was added: the same tag, removed and added again, is another change.
        added_at: DateTime<Utc>,
    },
}

impl ContactChange {
    /// The contact that changed.
    #[must_use]
    pub const fn contact_id(&self) -> ContactId {
        match self {
            Self::ContactCreated(contact_id) | Self::TagAdded { contact_id, .. } => *contact_id,
        }
    }
}
