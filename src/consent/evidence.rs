//! Evidence: what proves that a number was suppressed or lifted, and by whom.

use super::reason::Reason;
use super::source::Source;
use crate::error::{Error, Result};
use crate::types::id::{MessageId, UserId};
use crate::types::phone::PhoneNumber;

/// Who or what suppresses or lifts: a signed-in user, or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// By which way it came.
    pub source: Source,
    /// The user, where there is one.
    pub user_id: Option<UserId>,
}

/// A number, the reason to suppress it, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The number.
    pub phone: PhoneNumber,
    /// Why it may not be texted any more.
    pub reason: Reason,
    /// By which way we know.
    pub source: Source,
    /// The inbound message with the keyword, or the refused outbound one.
    pub message_id: Option<MessageId>,
    /// The user who decided it.
    pub user_id: Option<UserId>,
    /// The keyword as it was written, Twilio's error code, or the reason that a person gave.
    pub note: Option<String>,
}

impl By {
    /// A signed-in user.
    pub fn user(id: UserId) -> Self {
        Self { source: Source::Admin, user_id: Some(id) }
    }

    /// A program that uses the JSON API.
    pub fn api() -> Self {
        Self { source: Source::Api, user_id: None }
    }
}

impl Evidence {
    /// Evidence without message and note.
    pub fn new(phone: PhoneNumber, reason: Reason, by: By) -> Self {
        Self { phone, reason, source: by.source, message_id: None, user_id: by.user_id, note: None }
    }

    /// An error of the field `note` where a user or program lifts something and does not say why.
    pub(super) fn says_why(&self) -> Result<()> {
        let said_why = self.note.as_deref().is_some_and(|note| !note.trim().is_empty());
        if matches!(self.source, Source::Admin | Source::Api) && !said_why {
            return Err(Error::field("note", "Write down why this number may be texted again."));
        }
        Ok(())
    }
}
