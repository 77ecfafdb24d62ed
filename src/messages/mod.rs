//! Messages: one SMS, MMS or WhatsApp message from composition to its final status.
//!
//! [`message::Message`] is the row, and [`status`] orders its statuses. [`compose`] inserts it as
//! `pending` with a job; [`claim`] reserves it before the call to Twilio, within the sender's rate
//! ([`throttle`]); [`submit_outcomes`] records the response; [`status_reports`] applies reports;
//! [`reconcile`] asks Twilio about messages without a response. [`error_policy`] says what error
//! codes mean, and `automatic_retry` starts a new attempt where Twilio dropped one unsent.
//!
//! [`one_off`] is a single message that a user or a program asks for, and [`inbound`] stores what
//! contacts text to us, STOP among it. [`log`] searches messages, and
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
pub mod one_off;
pub mod reconcile;
pub mod resend;
mod row_locks;
pub mod status;
pub mod status_reports;
pub mod stop_lock;
pub mod submit_outcomes;
pub mod test_message;
pub mod throttle;
