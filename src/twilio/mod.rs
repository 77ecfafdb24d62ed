//! Twilio over HTTP: client, errors, signatures, callbacks and SMS parts. Depends only on `types`.
//! Start with [`Client`] and [`messages`].
//!
//! - [`Client`] sends before a deadline or not at all, and reads [`messages`], [`account`],
//!   [`numbers`], [`services`] and [`registrations`].
//! - [`SendError`] says whether a message may have been sent; [`error_codes`] explains each code
//!   and decides about retries.
//! - [`signature`], [`webhook_form`] and [`callbacks`] verify and parse Twilio's webhooks.
//! - [`hook_test_call`] calls a hook in Twilio's place, to test whether Twilio could.
//! - [`parts`] and [`gsm`] count SMS parts, and [`smart_encoding`] saves some.

pub mod account;
pub mod address;
pub mod callbacks;
mod client;
pub mod credentials;
mod deadline_body;
pub mod error_codes;
mod exchange;
mod fetch;
pub mod gsm;
pub mod hook_test_call;
mod json;
pub mod messages;
pub mod numbers;
pub mod parts;
pub mod registrations;
mod request_error;
pub mod services;
pub mod sid;
pub mod signature;
pub mod smart_encoding;
pub mod status;
pub mod webhook_form;

#[cfg(test)]
mod test_server;

pub use address::{Address, SendFrom};
pub use client::{Client, ClientError, ClientOptions};
pub use credentials::{CredentialKind, Credentials, CredentialsError};
pub use error_codes::{Disposition, ErrorCode, Wait};
pub use exchange::Exchange;
pub use fetch::{Listing, UnreadableItem};
pub use messages::{CreatedMessage, NewTwilioMessage, TwilioMessage, TwilioMessageFilter};
pub use request_error::{SendError, TwilioError};
pub use status::TwilioStatus;
