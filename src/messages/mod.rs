//! Messages: one SMS, MMS or WhatsApp message from composition to its final status.
//!
//! [`message::Message`] is the row, and [`status`] orders its statuses. [`compose`] inserts it as
//! `pending` with a job; [`claim`] reserves it before the call to Twilio, within the sender's rate
//! ([`throttle`]); [`submit`] records the answer; [`delivery`] applies status reports;
//! [`reconcile`] asks Twilio about messages without an answer. [`policy`] says what error codes
//! mean, and `retry` starts a new attempt where Twilio dropped one unsent.
//!
//! [`inbound`] stores what contacts text to us, STOP among it. [`log`] searches messages, and
//! [`resend`] sends undelivered ones again. Start reading in [`status`] and [`compose`].

pub mod attempt;
pub mod claim;
pub mod compose;
pub mod delivery;
pub mod inbound;
mod lock;
pub mod log;
pub mod message;
pub mod policy;
pub mod reconcile;
pub mod report;
pub mod resend;
mod retry;
pub mod status;
pub mod stop;
pub mod submit;
pub mod test_message;
pub mod throttle;
