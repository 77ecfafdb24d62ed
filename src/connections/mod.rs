//! Connections: Twilio accounts with their keys, the checks against the live account, and the
//! rejected webhooks. The main types are [`Connection`], its [`Keys`] and the [`Problem`]s that
//! Twilio's answers reveal. Start with `connection.rs` for the row and `verify.rs` for the requests
//! to Twilio.

mod address;
mod change;
mod checks;
mod connection;
mod create;
mod former_token;
mod hook_secret;
mod key_epoch;
mod keys;
mod last_check;
mod problem;
mod rotation;
mod sealing;
mod sending_keys;
mod verify;
pub mod webhooks;

pub use address::{AddressError, SenderAddress, SenderKind};
pub use change::{CONCURRENCY, ConnectionChange, change};
pub use checks::{Check, CheckOutcome, Mend, account_checks, address_check};
pub use connection::{
    Connection, Status, UnconfirmedPolicy, concurrency_bounds, find, find_by_account, list,
    record_accepted, record_verified, stop,
};
pub use create::{NewConnection, create};
pub use former_token::FormerToken;
pub use hook_secret::{
    FORMER_SECRET_ACCEPTED, fill_hook_secrets, forget_former_secret, hook_address, hook_secrets,
    is_one_of, rotate_hook_secret,
};
pub use key_epoch::KeyEpoch;
pub use keys::{Keys, NewKeys, check_secret_key, credentials, keys};
pub use last_check::{LastCheck, WebhookTest, last_check, record_checks, record_test};
pub use problem::Problem;
pub use rotation::{
    FORMER_TOKEN_ACCEPTED, forget_former_token, forget_keys, replace_keys, webhook_tokens,
};
pub use sending_keys::{SendingKeys, sending_keys};
pub use verify::{ProfileAccess, VerifiedAccount, VerifiedSender, find_sender, verify_account};
