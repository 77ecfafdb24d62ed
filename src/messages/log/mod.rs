//! The message log: [`search`] finds messages by a [`filter::MessageFilter`], along an index.
//!
//! [`query_parameters`] are a filter as pages and the API write it, and [`saved_views`] are filters
//! that users save, with their [`view_counts`]. [`sid_search`] finds a message by Twilio's SID.
//! [`status_history`] lists what has happened to one message, and [`next_job`] what happens next.
//! Start with [`search::find_page`].

pub mod filter;
mod ledger_question;
pub mod next_job;
pub mod query_parameters;
pub mod saved_views;
pub mod search;
pub mod sid_search;
pub mod status_history;
pub mod view_counts;
