//! Connections: Twilio accounts with their keys, the checks against the live account, and the
//! rejected webhooks. The main types are [`Connection`], its [`Keys`] and the [`Problem`]s that
//! Twilio's responses reveal. Start with `connection.rs` for the row and `verify.rs` for the
//! requests to Twilio.

mod account_checks;
mod change;
mod check_result;
mod connection;
mod create;
mod former_secret_policy;
mod hook_secret;
mod key_epoch;
mod key_rotation;
mod keys;
mod last_check;
mod problem;
mod public_url_check;
pub mod rejected_webhooks;
mod seal_context;
mod sender_address;
mod sending_keys;
mod verify;

pub use account_checks::account_checks;
pub use change::{CONCURRENCY, ConnectionChange, change};
pub use check_result::{Check, CheckOutcome, RepairPlace};
pub use connection::{
    Connection, Status, UnconfirmedPolicy, concurrency_bounds, find, find_by_account, list,
    record_accepted, record_verified, stop,
};
pub use create::{NewConnection, create};
pub use former_secret_policy::FormerSecretPolicy;
pub use hook_secret::{
    FORMER_SECRET_ACCEPTED, fill_hook_secrets, forget_former_secret, hook_address, hook_secrets,
    is_one_of, rotate_hook_secret,
};
pub use key_epoch::KeyEpoch;
pub use key_rotation::{
    FORMER_TOKEN_ACCEPTED, forget_former_token, forget_keys, replace_keys, webhook_tokens,
};
pub use keys::{Keys, NewKeys, check_secret_key, credentials, keys};
pub use last_check::{LastCheck, WebhookTest, last_check, record_checks, record_test};
pub use problem::Problem;
pub use public_url_check::check_public_url;
pub use sender_address::{AddressError, SenderAddress, SenderKind};
pub use sending_keys::{SendingKeys, sending_keys};
pub use verify::{ProfileAccess, VerifiedAccount, VerifiedSender, find_sender, verify_account};
