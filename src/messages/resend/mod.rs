//! Resending, by users, of messages that certainly reached no recipient: each once, as a new
//! message.
//!
//! [`preview()`] counts what a [`Selection`] could resend, and why the rest is
//! [left out](LeftOutReason). [`candidates`] finds those messages, and [`resend_messages()`]
//! composes them anew. Start with [`Circumstances::check`], which decides about one message.

mod eligibility;
mod facts_query;
mod preview;
mod resend_in_batches;
mod resend_messages;
mod selection;

pub use eligibility::{Circumstances, Facts, LeftOutReason, may_be_eligible};
pub use facts_query::check_eligibility;
pub use preview::{ResendGroup, ResendPreview, preview};
pub(crate) use resend_in_batches::resend_in_batches;
pub use resend_messages::{CHUNK, resend_messages, resent_by};
pub use selection::{MAX_AT_ONCE, MAX_DAYS, Selection, candidates};
