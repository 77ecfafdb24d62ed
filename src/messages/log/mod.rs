//! The log of messages: finding them by a [`filter`] along an index ([`search`]). A [`query`] is a
//! filter as pages and API write it, and [`views`] are filters that people keep.

pub mod filter;
mod ledger_question;
pub mod query;
pub mod search;
pub mod views;
