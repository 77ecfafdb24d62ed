//! Twilio over HTTP: client, errors, signatures, callbacks and SMS parts. Knows nothing of the rest
//! but `types`.
//!
//! - [`Client`] sends, in time or not at all ([`timely`]), and reads: [`messages`], [`account`],
//!   [`numbers`], [`services`], [`registrations`].
//! - [`SendError`] says whether a message may have been sent; [`errors`] what each code means and
//!   what to do.
//! - [`signature`], [`form`] and [`callbacks`] read what Twilio calls the hooks with.
//! - [`hook_call`] calls a hook in Twilio's place, to see whether Twilio could.
//! - [`parts`] and [`gsm`] count SMS parts.

pub mod account;
pub mod address;
pub mod callbacks;
mod client;
pub mod credentials;
pub mod errors;
mod exchange;
mod failure;
mod fetch;
pub mod form;
pub mod gsm;
pub mod hook_call;
pub mod messages;
pub mod numbers;
pub mod parts;
pub mod registrations;
pub mod services;
pub mod sid;
pub mod signature;
pub mod status;
mod timely;
mod wire;

#[cfg(test)]
mod canned;

pub use address::{Address, SendFrom};
pub use client::{Client, ClientError, ClientOptions};
pub use credentials::{CredentialKind, Credentials, CredentialsError};
pub use errors::{Disposition, ErrorCode, Wait};
pub use exchange::Exchange;
pub use failure::{SendError, TwilioError};
pub use fetch::{Listing, UnreadableItem};
pub use messages::{CreatedMessage, NewTwilioMessage, TwilioMessage, TwilioMessageFilter};
pub use status::TwilioStatus;
