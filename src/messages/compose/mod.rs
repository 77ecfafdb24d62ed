//! Composing: turns [`Draft`]s into rows of `messages` and their jobs, many in one statement.
//!
//! [`SendBy`] says which worker sends them, and [`Composed`] is the result. Start with
//! [`compose_many`]; [`compose_one`] is the same for a single message.

mod compose_drafts;
mod draft;
mod insert_and_claim;

pub use compose_drafts::{Composed, SendBy, compose_many, compose_one};
pub use draft::{Draft, DraftOrigin};
