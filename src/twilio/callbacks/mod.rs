//! Typed webhooks of Twilio: status callbacks and inbound messages. Start with
//! [`StatusCallback::parse`] and [`InboundMessage::parse`]. Unknown parameters are ignored.

mod inbound_message;
mod parameters;
mod status_callback;

pub use inbound_message::{InboundMedia, InboundMessage, OptOut};
pub use parameters::CallbackError;
pub use status_callback::StatusCallback;

#[cfg(test)]
mod tests;
