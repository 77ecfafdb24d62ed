//! Twilio over HTTP: client, errors, signatures, callbacks and SMS parts. Depends only on `types`.
//! Start with [`Client`] and [`messages`].
//!
//! - [`Client`] sends before a deadline or not at all, and reads [`messages`], [`account`],
//!   [`numbers`], [`services`] and [`registrations`].
//! - [`SendError`] says whether a message may have been sent; [`errors`] explains each code and
//!   decides about retries.
//! - [`signature`], [`form`] and [`callbacks`] verify and parse Twilio's webhooks.
//! - [`hook_call`] calls a hook in Twilio's place, to test whether Twilio could.
//! - [`parts`] and [`gsm`] count SMS parts.

pub mod account;
pub mod address;
pub mod callbacks;
mod client;
pub mod credentials;
mod deadline_body;
pub mod errors;
mod exchange;
mod failure;
mod fetch;
pub mod form;
pub mod gsm;
pub mod hook_call;
mod json;
pub mod messages;
pub mod numbers;
pub mod parts;
pub mod registrations;
pub mod services;
pub mod sid;
pub mod signature;
pub mod status;

#[cfg(test)]
mod test_server;

pub use address::{Address, SendFrom};
pub use client::{Client, ClientError, ClientOptions};
pub use credentials::{CredentialKind, Credentials, CredentialsError};
pub use errors::{Disposition, ErrorCode, Wait};
pub use exchange::Exchange;
pub use failure::{SendError, TwilioError};
pub use fetch::{Listing, UnreadableItem};
pub use messages::{CreatedMessage, NewTwilioMessage, TwilioMessage, TwilioMessageFilter};
pub use status::TwilioStatus;
