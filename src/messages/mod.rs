//! Messages: one SMS, MMS or WhatsApp message from composing to its final status.
//!
//! The life of a message, each room entered once: [`compose`] makes it `pending` with its job;
//! [`claim`] takes it before the call to Twilio, or lets it wait for its sender's rate
//! ([`throttle`]); [`submit`] records what came of the call; [`delivery`] takes in Twilio's
//! reports; [`reconcile`] settles what nobody confirmed. [`policy`] says what their error codes
//! mean. [`inbound`] takes in what contacts text to us, STOP among it. [`look`] finds messages by a
//! [`filter`], which people keep as [`views`]. [`ledger`] says how many ended how, [`retry`] sends
//! again what never reached anybody, [`prices`] what a part costs.

pub mod claim;
pub mod compose;
pub mod delivery;
pub mod filter;
pub mod inbound;
pub mod ledger;
pub mod list;
pub mod look;
pub mod outcome;
pub mod policy;
pub mod prices;
pub mod reconcile;
mod resend;
pub mod retry;
pub mod status;
pub mod stop;
pub mod submit;
pub mod throttle;
pub mod views;
