//! The worker: performs jobs and runs periodic work.
//!
//! [`Worker`] is the state that its tasks share, and [`Worker::run`] starts them. [`poll`] leases
//! due jobs in batches, and apalis performs them ([`perform`]): [`advancing_enrollments`],
//! [`sending`], [`releasing_queues`] and [`settling_unconfirmed`], within the
//! [`concurrency_limits`] of each connection. At each [`heartbeat`], the [`routines`] that are due
//! run, each on one worker at a time, such as [`looking_up_stale`] and [`collecting_inbound`].
//! Start with [`poll`].

mod advancing_enrollments;
mod batch_limits;
mod collecting_inbound;
mod concurrency_limits;
mod ending_sessions;
mod error;
mod folding_ledger;
mod heartbeat;
mod inspecting_connections;
mod learning_prices;
mod looking_up_stale;
mod perform;
mod poll;
mod releasing_queues;
mod routines;
mod run;
mod running_routines;
mod sending;
mod set_aside_items;
mod settling_unconfirmed;
mod shared_state;
mod until_written;
mod usable_keys;
mod worker_lease;

pub use shared_state::{Worker, WorkerParts};
