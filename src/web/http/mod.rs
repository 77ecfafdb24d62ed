//! The plumbing of the web edge: sessions, forms, errors, headers, and the server itself. It knows
//! pages and users, and no other noun of the product.

pub(in crate::web) mod access;
pub(in crate::web) mod assets;
pub(in crate::web) mod browser;
pub(in crate::web) mod client_address;
pub(in crate::web) mod csrf;
pub(in crate::web) mod cursor;
pub(in crate::web) mod error;
pub(in crate::web) mod error_page;
pub(in crate::web) mod filters;
pub(in crate::web) mod flash;
pub(in crate::web) mod form;
pub(in crate::web) mod headers;
pub(in crate::web) mod health;
pub(in crate::web) mod intake;
pub(in crate::web) mod known_browser;
#[cfg(all(test, debug_assertions))]
pub(in crate::web) mod markup;
pub(in crate::web) mod narrowing;
pub(in crate::web) mod page;
pub(in crate::web) mod query;
pub(in crate::web) mod redirect;
#[cfg(debug_assertions)]
#[path = "samples/user.rs"]
pub(in crate::web) mod samples;
pub(in crate::web) mod server;
pub(in crate::web) mod session;
pub(in crate::web) mod visit;
pub(in crate::web) mod whole_numbers;
pub(in crate::web) mod wire;
