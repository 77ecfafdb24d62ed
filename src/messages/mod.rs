//! Messages: one SMS, MMS or WhatsApp message from composition to its final status.
//!
//! [`message::Message`] is the row, and [`status`] orders its statuses. [`compose`] inserts it as
//! `pending` with a job; [`claim`] reserves it before the call to Twilio, within the sender's rate
//! ([`throttle`]); [`submit_outcomes`] records the answer; [`status_reports`] applies reports;
//! [`reconcile`] asks Twilio about messages without an answer. [`error_policy`] says what error
//! codes mean, and `automatic_retry` starts a new attempt where Twilio dropped one unsent.
//!
//! [`inbound`] stores what contacts text to us, STOP among it. [`log`] searches messages, and
//! [`resend`] sends undelivered ones again. Start reading in [`status`] and [`compose`].

pub mod attempt;
mod automatic_retry;
pub mod claim;
pub mod compose;
pub mod contact_deletion;
pub mod error_policy;
pub mod inbound;
pub mod log;
pub mod message;
pub mod reconcile;
pub mod resend;
mod row_locks;
pub mod status;
pub mod status_reports;
pub mod stop_lock;
pub mod submit_outcomes;
pub mod test_message;
pub mod throttle;
