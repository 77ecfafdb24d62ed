//! The throttle: keeps every sender to its rate of SMS parts per second, shared by all workers and
//! automations.
//!
//! [`leaky_bucket`] is the arithmetic. A claim lets go what fits, and appends the rest to the
//! sender's queue ([`admission`]); while messages wait there, new ones join the end. One job per
//! congested sender releases them as the rate allows, in turns of automations ([`release`]): it
//! charges their parts and marks them, and their next claim lets them through. [`queue_figures`]
//! describes a queue for users.
//!
//! A [`Closing`](crate::db::Closing) transaction locks rows of `throttles`, in the order of sender
//! ids, so that none deadlocks. Senders without a rate have no row and cost nothing.

pub(super) mod admission;
mod leaky_bucket;
pub mod queue_figures;
pub mod release;
mod sender_throttle;

pub(super) use sender_throttle::ensure_releasing;

pub use sender_throttle::{follow_new_rate, pause};
