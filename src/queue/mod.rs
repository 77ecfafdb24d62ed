//! The job queue: which jobs exist, and how they are enqueued, leased and finished.
//!
//! A [`Job`] is a row of `jobs` that names one enrollment, message or sender. It is inserted on the
//! caller's connection, so that it exists exactly when the caller's transaction commits (outbox).
//! Apalis runs the jobs ([`apalis_channel`]); only this folder and `worker/` use it.
//!
//! Start with [`enqueue()`] and [`lease`].

pub mod apalis_channel;
mod enqueue;
pub mod failed_jobs;
pub mod handover;
pub(crate) mod held_jobs;
mod job;
pub mod lease;
pub mod overview;
pub mod routines;
pub mod set_aside;
pub mod worker_registry;

pub use enqueue::{CHANNEL, Receiver, convert_to_sends, enqueue, enqueue_for, enqueue_sends};
pub use job::{Job, JobKind, NewJob};
