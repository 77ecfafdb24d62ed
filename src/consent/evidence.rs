//! Evidence: what proves that a number was suppressed or lifted, and by whom.

use super::reason::Reason;
use super::source::ConsentSource;
use crate::error::{Error, Result};
use crate::types::id::{MessageId, UserId};
use crate::types::phone::PhoneNumber;

/// Who suppresses a number or lifts a suppression: a signed-in user, or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// How the request came in.
    pub source: ConsentSource,
    /// The user, if there is one.
    pub user_id: Option<UserId>,
}

/// A number, the reason to suppress it, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The number.
    pub phone: PhoneNumber,
    /// The reason for the suppression that is added or lifted.
    pub reason: Reason,
    /// How it is known.
    pub source: ConsentSource,
    /// The inbound message with the keyword, or the refused outbound one.
    pub message_id: Option<MessageId>,
    /// The user who decided it, if there is one.
    pub user_id: Option<UserId>,
    /// The keyword as it was written, Twilio's error code, or the reason that a user gave.
    pub note: Option<String>,
}

impl Requester {
    /// A signed-in user.
    pub fn user(id: UserId) -> Self {
        Self { source: ConsentSource::Admin, user_id: Some(id) }
    }

    /// A program that uses the JSON API.
    pub fn api() -> Self {
        Self { source: ConsentSource::Api, user_id: None }
    }
}

impl Evidence {
    /// Evidence without message and note.
    pub fn new(phone: PhoneNumber, reason: Reason, requester: Requester) -> Self {
        Self {
            phone,
            reason,
            source: requester.source,
            message_id: None,
            user_id: requester.user_id,
            note: None,
        }
    }

    /// Returns an error on the field `note` if a user or program lifts a suppression without a
    /// reason.
    pub(super) fn require_note(&self) -> Result<()> {
        let has_note = self.note.as_deref().is_some_and(|note| !note.trim().is_empty());
        if matches!(self.source, ConsentSource::Admin | ConsentSource::Api) && !has_note {
            return Err(Error::field("note", "Write why this number may be texted again."));
        }
        Ok(())
    }
}
