//! The log of messages: finding them by a [`filter`] along an index ([`search`]). A [`query`] is a
//! filter as pages and API write it, and [`views`] are filters that people keep. [`story`] tells
//! what has happened to one message, and [`plan`] what is to happen next.

pub mod filter;
mod ledger_question;
pub mod plan;
pub mod query;
pub mod search;
pub mod story;
pub mod views;
