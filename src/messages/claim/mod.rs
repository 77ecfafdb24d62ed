//! Claiming: moves a message to `submitting` with an attempt row before Twilio is called, unless
//! something forbids sending it now.
//!
//! [`claim_messages()`] returns a [`ClaimOutcome`] for each message, within the [`Capacity`] of its
//! connection; a [`ClaimedMessage`] is ready to submit. [`wake()`] resumes messages that were held.
//! Start with [`claim_messages()`] and its statement.

mod capacity;
mod claim_messages;
mod claim_outcome;
mod wake_held_messages;

pub(super) use claim_messages::validity_seconds;

pub use capacity::Capacity;
pub use claim_messages::{EXPIRED, claim_messages};
pub use claim_outcome::{ClaimOutcome, ClaimedMessage};
pub use wake_held_messages::{WakeScope, wake};
