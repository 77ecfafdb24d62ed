//! Twilio's message resource. The main types are [`NewTwilioMessage`], its receipt
//! [`CreatedMessage`], and [`TwilioMessage`] as Twilio stores it. Start with
//! [`Client::create_message`](super::Client::create_message).

mod create;
mod read;

pub use create::{CreatedMessage, NewTwilioMessage};
pub use read::{TwilioMessage, TwilioMessageFilter};

#[cfg(test)]
mod tests;
