//! The integration tests, called stories: what users and Twilio see of Carillon, tested against a
//! real PostgreSQL, over real HTTP, with the simulator as Twilio.
//!
//! There is one binary, and one file per group of stories. [`harness`] gives each story its own
//! database, server and simulator. Start reading in [`first_message`].
#![expect(
    clippy::unwrap_used,
    reason = "an unexpected value fails the story, and the panic says where"
)]

mod accessibility;
mod admin;
mod api;
mod api_wording;
mod architecture;
mod automation_builder;
mod automations;
mod bench_statistics;
mod browser;
mod bulk_confirmation;
mod cli;
mod connecting;
mod connection_health;
mod console;
mod contacts;
mod contacts_api;
mod contacts_pages;
mod crash;
mod database_restart;
mod database_start;
mod demo;
mod events_api;
mod first_message;
mod forms;
mod handover;
mod harness;
mod home;
mod hook_secrets;
mod hooks;
mod hostile_input;
mod large_lists;
mod ledger;
mod lines;
mod message_log;
mod messages;
mod migrations;
mod numbers;
mod openapi;
mod opt_outs;
mod policy;
mod processes;
mod races;
mod reconciling;
mod report_fast_path;
mod request_limits;
mod routines;
#[cfg(debug_assertions)]
mod samples;
mod sending;
mod set_aside;
mod settings;
mod signing_in;
mod stop;
mod storm;
#[cfg(debug_assertions)]
mod suspended;
mod template_editor;
mod templates;
mod texts;
mod throttle;
mod undo;
mod untrusted_text;
mod validity;
