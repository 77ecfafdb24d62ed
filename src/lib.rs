//! Carillon: self-hosted SMS marketing automation on your own Twilio account.

pub mod app;
pub mod automations;
pub mod batch;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod contacts;
pub mod db;
pub mod error;
pub mod events;
pub mod fail_point;
pub mod messages;
pub mod queue;
pub mod senders;
pub mod simulator;
pub mod telemetry;
pub mod templates;
pub mod twilio;
pub mod types;
pub mod users;
pub mod web;
pub mod worker;
