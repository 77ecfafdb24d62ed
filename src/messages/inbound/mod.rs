//! Inbound messages: what contacts text to us, STOP and START among it.
//!
//! [`receive()`] stores a message from a webhook, and [`receive_found`] one from a lookup at
//! Twilio; [`Received`] says what has to follow. [`command`] reads the command in a text.
//! [`received_by_day`] counts them. Start with [`receive()`].

mod inbound_command;
mod late_commands;
mod opt_out_reading_of_message;
mod receive;
mod received_messages;

pub use inbound_command::command;
pub use late_commands::{LookupTimes, has_opted_in_since_the_attempt};
pub use opt_out_reading_of_message::reading_of;
pub use receive::{Received, known, receive, receive_found};
pub use received_messages::{MAX_COUNTED, newest_received, received_by_day};
