//! People who may sign in, programs that may use the API, and the organization that they work for.

mod account;
pub mod api_keys;
pub mod audit;
pub mod invitations;
pub mod log_in;
pub mod organization;
pub mod password;
pub mod people;
pub mod profile;
pub mod resets;
mod role;
pub mod sessions;
pub mod setup;
pub mod test_phone;
mod user;

pub use account::{parse_account, parse_email};
pub use role::Role;
pub use user::{NewUser, Theme, User, any, create, find, password_hash, set_password};
