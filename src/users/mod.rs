//! Users: people who may sign in, programs that use the API, and the organization that they work
//! for. The main types are [`User`] with its [`Role`], [`api_keys::ApiKey`] and
//! [`organization::Organization`]; [`audit`] records what they change. Start with [`log_in`] and
//! [`sessions`].

mod account_fields;
pub mod administration;
pub mod api_keys;
pub mod attempt_limits;
pub mod audit;
pub mod invitations;
pub mod log_in;
pub mod organization;
pub mod password;
pub mod password_link_requests;
pub mod password_resets;
pub mod profile;
mod role;
pub mod sessions;
pub mod setup;
pub mod test_message_phone;
mod user;

pub use account_fields::{parse_account, parse_email};
pub use role::Role;
pub use user::{NewUser, Theme, User, any, create, find, list, password_hash, set_password};
