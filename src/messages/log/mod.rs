//! The message log: [`search`] finds messages by a [`filter::MessageFilter`], along an index.
//!
//! [`query`] is a filter as pages and the API write it, and [`views`] are filters that users save.
//! [`story`] lists what has happened to one message, and [`plan`] what happens next. Start with
//! [`search::find_page`].

pub mod filter;
mod ledger_question;
pub mod plan;
pub mod query;
pub mod search;
pub mod story;
pub mod views;
