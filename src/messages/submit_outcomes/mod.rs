//! Recording the outcomes of calls to Twilio, in batches.
//!
//! [`SubmitOutcome`] is what a worker brings, and [`FollowUps`] what it has to do next.
//! Start with [`record()`], the slow path; [`fast_path`] records the usual outcome, an acceptance.

pub mod fast_path;
mod record;
mod submit_outcome;

pub use record::{FollowUp, FollowUps, record};
pub use submit_outcome::SubmitOutcome;
