//! Whom a text is tried with: a contact, or a number that is nobody's.

use serde_json::Value;

use crate::contacts::Contact;
use crate::templates::Variables;
use crate::types::phone::PhoneNumber;

/// Whom a preview is for.
#[derive(Debug, Clone)]
pub(super) enum TrialRecipient {
    /// A contact.
    Contact(Box<Contact>),
    /// A number that is nobody's.
    Number(PhoneNumber),
}

impl TrialRecipient {
    /// The name, or the number where there is no name.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Contact(contact) => contact.long_label(),
            Self::Number(_) => "somebody of whom only the number is known".to_owned(),
        }
    }

    /// What the text can name.
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
