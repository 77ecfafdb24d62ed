//! Drafts: what a message is composed from.

use crate::types::id::{AutomationId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

/// What a message comes from; it decides when two drafts are one and the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A step of an automation: one message per enrollment and step, however often the step runs.
    Automation {
        /// The automation.
        automation_id: AutomationId,
        /// The contact's passage through it.
        enrollment_id: EnrollmentId,
        /// The step's index, from 0.
        step: i16,
    },
    /// A person asked to send again what certainly never reached anybody; a message is repeated
    /// once.
    Retry {
        /// The message that it repeats.
        of: MessageId,
        /// What had made that one.
        automation_id: Option<AutomationId>,
    },
    /// A person or a program asked for this one message; the same `request_key` finds it again.
    OneOff {
        /// The caller's idempotency key, made unique per caller.
        request_key: Option<String>,
    },
}

/// A message that is to be composed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it comes from.
    pub origin: Origin,
    /// The contact that it is for, when there is one.
    pub contact_id: Option<ContactId>,
    /// What it is sent from.
    pub sender_id: SenderId,
    /// The recipient, or in words why there is none.
    pub to: Result<PhoneNumber, String>,
    /// The rendered text, or in words why there is none. The message is then kept as `failed` with
    /// these words.
    pub text: Result<String, String>,
    /// The template and its version.
    pub template: Option<(TemplateId, i32)>,
    /// Pictures and the like, as URLs.
    pub media_urls: Vec<String>,
}
