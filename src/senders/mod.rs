//! Senders: the phone numbers and Messaging Services of a connection that messages are sent from.
//! The main types are [`Sender`], its [`Limits`] and the [`Health`] that Twilio last reported.
//! Start with `sender.rs` for the row and `inspection.rs` for the requests to Twilio.

pub mod candidates;
mod change;
pub mod inbound_route;
pub mod inbound_webhook;
mod inbound_webhook_record;
mod inspection;
mod limits;
mod message_validity;
mod rate;
pub mod registration;
mod sender;
mod service_pools;
mod stopped;

pub use change::{SenderChange, change};
pub use inbound_webhook_record::{audit_repair, mark_missing_secret, record_inbound};
pub use inspection::{
    Health, InspectedSender, Inspection, health_by_sender, inspect, inspect_sender, record,
    record_sender,
};
pub use limits::Limits;
pub use message_validity::{InvalidValidity, Validity};
pub use rate::{InvalidRate, PartsPerSecond};
pub use sender::{
    Sender, create, find, find_by_address, find_by_words, find_enabled_by_address, find_many, list,
    list_for_connection, stop, usable, usable_ids,
};
pub use stopped::{Stopped, list_stopped};
