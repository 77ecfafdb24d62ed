//! The plumbing of the web edge: the server itself, sessions, forms, CSRF protection, errors and
//! headers. Of the product's slices it knows only the users.
//!
//! Main types: [`page::Pages`] (the templates), [`error::PageError`] and [`intake::Intake`] (the
//! limits). Start reading at [`page`].

pub(in crate::web) mod access;
pub(in crate::web) mod assets;
pub(in crate::web) mod bulk_conditions;
pub(in crate::web) mod client_address;
pub(in crate::web) mod client_connection;
pub(in crate::web) mod cookies;
pub(in crate::web) mod csrf;
pub(in crate::web) mod cursor;
pub(in crate::web) mod error;
pub(in crate::web) mod flash;
pub(in crate::web) mod form;
pub(in crate::web) mod form_guard;
pub(in crate::web) mod health_checks;
pub(in crate::web) mod intake;
pub(in crate::web) mod known_browser;
#[cfg(all(test, debug_assertions))]
pub(in crate::web) mod markup_check;
pub(in crate::web) mod page;
pub(in crate::web) mod phone_markup;
pub(in crate::web) mod query;
pub(in crate::web) mod redirect;
pub(in crate::web) mod request_log;
pub(in crate::web) mod security_headers;
pub(in crate::web) mod server;
pub(in crate::web) mod template_filters;
pub(in crate::web) mod user_agent;
