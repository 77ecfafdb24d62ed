//! The recipient of a preview: a contact, or only a number.

use serde_json::Value;

use crate::contacts::Contact;
use crate::templates::Variables;
use crate::types::phone::PhoneNumber;

/// The recipient of a preview.
#[derive(Debug, Clone)]
pub(super) enum PreviewRecipient {
    /// A contact.
    Contact(Box<Contact>),
    /// A number that belongs to no contact.
    Number(PhoneNumber),
}

impl PreviewRecipient {
    /// The name for pages.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Contact(contact) => contact.long_label(),
            Self::Number(_) => "a number without a contact".to_owned(),
        }
    }

    /// The variables that the text can use.
    pub(super) fn variables<'a>(
        &'a self,
        event: Option<&'a Value>,
        organization: &'a str,
    ) -> Variables<'a> {
        match self {
            Self::Contact(contact) => Variables::new(contact, event),
            Self::Number(number) => Variables::for_phone(number, event),
        }
        .with_organization(organization)
    }
}
