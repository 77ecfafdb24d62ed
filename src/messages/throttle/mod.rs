//! The throttle: keeps every sender to its rate of SMS parts per second, shared by all workers and
//! automations.
//!
//! [`leaky_bucket`] is the arithmetic. A claim sends what fits, and appends the rest to the queue
//! of the sender ([`admission`]); while messages wait there, new ones join the end. One job per
//! congested sender ([`release_jobs`]) releases them as the rate allows, in turns of automations
//! ([`release`]): it charges their parts and marks them, and their next claim lets them through.
//! [`queue_figures`] describes a queue for users.
//!
//! A [`Closing`](crate::db::Closing) transaction locks rows of `throttles`, in the order of sender
//! ids, and creates rows in that order while it has locked none, so that none deadlocks. Senders
//! without a rate have no row and cost nothing.

pub(super) mod admission;
mod leaky_bucket;
mod new_rate;
pub mod queue_figures;
pub mod release;
mod release_jobs;
mod sender_throttle;

pub(super) use release_jobs::ensure_releasing;

pub use new_rate::follow_new_rate;
pub use sender_throttle::pause;
