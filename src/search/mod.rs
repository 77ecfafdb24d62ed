//! Search: what one text of a user finds, whichever slice it belongs to.
//!
//! [`SearchText`] is the text, and [`find`] collects a few matches of each kind: contacts by name
//! or number, automations, templates, senders and connections by name, and anything by its id or
//! SID.
//!
//! Each slice has its own query, which uses an index or reads a bounded number of rows (ADR 16).
//! Start with `found.rs`.

mod found;
mod search_text;

pub use found::{Found, FoundEnrollment, FoundMessage, find};
pub use search_text::SearchText;
