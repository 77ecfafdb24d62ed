//! Connections: Twilio accounts with their keys, the checks against the live account, and the webhooks that were rejected.

mod address;
mod checks;
mod keys;
mod problem;
mod store;
mod verify;
pub mod webhooks;

pub use address::{AddressError, SenderAddress, SenderKind};
pub use checks::{Check, Outcome, account_checks, public_url_check};
pub use keys::{Keys, NewKeys, check_secret_key, credentials, forget_keys, keys, replace_keys, webhook_tokens};
pub use problem::Problem;
pub use store::{
    CONCURRENCY, Connection, NewConnection, Status, UnconfirmedPolicy, concurrency_bounds, create, disable, enable, find, list,
    record_verified, rename, set_max_concurrency, set_unconfirmed_policy, stop,
};
pub use verify::{Profile, Verified, VerifiedAccount, VerifiedSender, candidates, find_sender, verify, verify_account};
