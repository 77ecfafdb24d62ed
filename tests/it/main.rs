//! The stories: what people and Twilio see of Carillon, told against a real PostgreSQL, over real
//! HTTP, with the simulator as Twilio.
//!
//! One binary, one file per group of stories. [`harness`] gives each story a database, a server and
//! a simulator of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a story that meets the unexpected has failed, and says where"
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
mod intake;
mod large_lists;
mod ledger;
mod lines;
mod message_log;
mod messages;
mod migrations;
mod narrowing;
mod numbers;
mod openapi;
mod opt_outs;
mod outside_text;
mod policy;
mod processes;
mod quiet_reports;
mod races;
mod reconciling;
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
mod undoing;
mod validity;
