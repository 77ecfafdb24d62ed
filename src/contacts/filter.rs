//! Which contacts a list is about, and where a page of it begins.

use super::tags::TagName;
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// Which contacts to list; all conditions must hold, and the default lists all contacts.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// The one with this number.
    pub phone: Option<PhoneNumber>,
    /// The one with this id in another system.
    pub external_id: Option<String>,
    /// Those with this tag.
    pub tag: Option<TagName>,
    /// Those whose name, number, email or external id begins with this, or whose number ends with
    /// it.
    pub search: String,
    /// How national numbers in `search` are read.
    pub default_country: Option<Country>,
}

/// Where a page of the list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// With the newest contact.
    Newest,
    /// After this contact, towards the past.
    OlderThan(ContactId),
    /// Before this contact, towards the present.
    NewerThan(ContactId),
}

impl Position {
    /// Whether a scan from here up to `end` covers a contact.
    pub(super) fn covers(self, id: ContactId, end: ContactId) -> bool {
        match self {
            Self::NewerThan(_) => id <= end,
            Self::Newest | Self::OlderThan(_) => id >= end,
        }
    }
}
