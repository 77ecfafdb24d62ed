//! Messages: one SMS, MMS or WhatsApp message from composing to its final status.
//!
//! The life of a message, each room entered once: [`compose`] makes it `pending` with its job;
//! [`claim`] takes it before the call to Twilio, or lets it wait for its sender's rate
//! ([`throttle`]); [`submit`] records what came of the call; [`delivery`] takes in Twilio's
//! reports; [`reconcile`] settles what nobody confirmed. [`policy`] says what their error codes
//! mean, and `retry` makes a new attempt where Twilio dropped one unsent. [`inbound`] takes in what
//! contacts text to us, STOP among it. [`log`] finds messages, and [`resend`] sends again what
//! never reached anybody.

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
