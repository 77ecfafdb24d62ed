//! [`Draft`]: what a message is composed from.

use crate::types::id::{AutomationId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

/// The origin of a draft, which decides when two drafts are the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftOrigin {
    /// A step of an automation: one message per enrollment and step, however often the step runs.
    Automation {
        /// The automation.
        automation_id: AutomationId,
        /// The enrollment in it.
        enrollment_id: EnrollmentId,
        /// The step's index, from 0.
        step: i16,
    },
    /// A user resends a message that certainly reached no recipient; each message is resent once.
    Resend {
        /// The message that it resends.
        of: MessageId,
        /// The automation that created that message.
        automation_id: Option<AutomationId>,
    },
    /// A user or a program requested this single message; the same `request_key` finds it again.
    OneOff {
        /// The caller's idempotency key, made unique per caller.
        request_key: Option<String>,
    },
}

/// A message to compose.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its origin.
    pub origin: DraftOrigin,
    /// The contact that it is for, if there is one.
    pub contact_id: Option<ContactId>,
    /// The sender that it goes out from.
    pub sender_id: SenderId,
    /// The recipient, or the reason why there is none, as a sentence.
    pub to: Result<PhoneNumber, String>,
    /// The rendered text, or the reason why there is none, as a sentence: the message is then
    /// stored as `failed` with this reason.
    pub text: Result<String, String>,
    /// The template and its version.
    pub template: Option<(TemplateId, i32)>,
    /// The URLs of its media.
    pub media_urls: Vec<String>,
}

impl Draft {
    /// The recipient's address; empty if there is no recipient.
    pub(super) fn to_address(&self) -> &str {
        self.to.as_ref().map_or("", PhoneNumber::as_str)
    }

    /// The text; empty if there is none.
    pub(super) fn body(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}
