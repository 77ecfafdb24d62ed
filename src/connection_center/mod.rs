//! The use cases of the Connection Center, shared by pages and API: connect, verify and repair.
//! Each calls Twilio first, then saves in one transaction, then sets the webhooks. Start with
//! [`connect()`]; errors are [`ConnectError`]s.

mod add_sender;
mod change;
mod check;
mod connect;
mod credentials;
mod duplicates;
mod error;
mod inbound_webhook;
mod key_rotation;
mod webhook_test;

pub(crate) use add_sender::{add_sender, candidates};
pub(crate) use change::{change_connection, change_sender};
pub(crate) use check::check;
pub(crate) use connect::{ConnectForm, connect};
pub(crate) use error::{ConnectError, Existing};
pub(crate) use inbound_webhook::set_inbound;
pub(crate) use key_rotation::{
    forget_former_secret, forget_former_token, replace_keys, rotate_hook_secret,
};
pub(crate) use webhook_test::{CHALLENGE, proof, refusal, test_webhook};
