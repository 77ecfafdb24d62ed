//! Carillon: self-hosted SMS marketing automation on your own Twilio account.
//!
//! `ARCHITECTURE.md` is the map. [`app`] starts the processes, [`web`] serves pages, API and
//! webhooks, and [`worker`] performs jobs.

pub mod app;
pub mod automations;
pub mod batcher;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection_center;
pub mod connections;
pub mod consent;
pub mod contacts;
pub mod context;
pub mod db;
pub mod error;
pub mod events;
pub mod fail_point;
pub mod ledger;
pub mod logging;
pub mod mail;
pub mod messages;
pub mod queue;
pub mod search;
pub mod senders;
pub mod sources;
pub mod templates;
pub mod twilio;
pub mod types;
pub mod users;
pub mod web;
pub mod worker;
