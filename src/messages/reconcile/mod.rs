//! Reconciliation: settles messages without a response by Twilio's list of messages, then by the
//! connection's policy, never by guessing.
//!
//! [`load`] returns [`Unconfirmed`] messages, [`assign`] matches Twilio's messages to them, and
//! [`nothing_found`] decides when none matches. [`stale_messages`] finds messages without a final
//! status, and [`missed_inbound`] inbound messages without a webhook. Start with [`assign`].

pub mod missed_inbound;
pub mod stale_messages;
mod unconfirmed;

pub use unconfirmed::{
    NextStep, OwnedSids, Unconfirmed, assign, load, lock_all_to, nothing_found, owned_sids,
};
