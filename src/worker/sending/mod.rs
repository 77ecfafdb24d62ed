//! Sending: claims a batch, calls Twilio for each message with many calls in flight, and records
//! the responses as they arrive.
//!
//! One transaction claims a batch ([`claiming`]). Each call is a separate task ([`posting`]), and
//! all responses that have arrived in the process in the meantime are recorded together
//! ([`recording`]), whichever batch they belong to. [`SendingBatch`] holds the calls of a batch.
//! Start with [`Worker::send_on`](super::Worker::send_on).

mod claiming;
mod in_flight;
mod posting;
pub(super) mod recording;
mod send_batch;

pub(super) use claiming::KeysByConnection;
pub(super) use in_flight::{InFlight, InFlightGuard};
pub(super) use send_batch::SendingBatch;
