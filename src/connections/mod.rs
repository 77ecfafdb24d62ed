//! Connections: Twilio accounts with their keys, the checks against the live account, and the webhooks that were rejected.

mod address;
mod checks;
mod keys;
mod problem;
mod store;
mod verify;
pub mod webhooks;

pub use address::{AddressError, SenderAddress, ServiceSid};
pub use checks::{Check, Outcome, account_checks, webhook_checks};
pub use keys::{ApiKey, Keys, NewKeys, credentials, replace_keys, webhook_tokens};
pub use problem::Problem;
pub use store::{Connection, NewConnection, UnconfirmedPolicy, create, disable, enable, find, list, record_verified, rename, stop};
pub use verify::{
    AccountStatus, Candidate, Inbound, VerifiedAccount, VerifiedSender, Verified, candidates, find_sender, verify, verify_account,
};
