//! The integration tests, called stories: what users and Twilio see of Carillon, tested against a
//! real PostgreSQL, over real HTTP, with the simulator as Twilio.
//!
//! There is one binary, and one file per group of stories. [`harness`] gives each story its own
//! database, server and simulator. Start reading in [`event_to_message`].
#![expect(
    clippy::unwrap_used,
    reason = "an unexpected value fails the story, and the panic says where"
)]

mod accessibility;
mod admin_pages;
mod api_contract;
mod api_error_wording;
mod architecture;
mod audit_log;
mod automation_archive;
mod automation_editor;
mod automation_pages;
mod bench_statistics;
mod browser_console;
mod bulk_confirmation;
mod cli;
mod connecting;
mod connection_health;
mod consistent_figures;
mod contact_names;
mod contacts;
mod contacts_api;
mod contacts_pages;
mod conversations;
mod crash;
mod database_outages;
mod database_start;
mod demo;
mod enrollments;
mod error_policy;
mod event_times;
mod event_to_message;
mod events_api;
mod fault_storm;
mod few_rows_read;
mod first_hour;
mod foreign_expressions;
mod forgot_password;
mod handover;
mod harness;
mod home_page;
mod hostile_input;
mod ledger;
mod live_updates;
mod main_flow_in_browser;
mod message_log;
mod message_texts;
mod messages;
mod migrations;
mod new_message;
mod openapi;
mod opt_outs;
#[cfg(debug_assertions)]
mod page_samples;
mod phone_line_migration;
mod phone_lines;
mod public_address;
mod reconciling;
mod rejected_forms;
mod report_fast_path;
mod request_limits;
mod resending;
mod routines;
mod search;
mod segment_protocol;
mod sending_faults;
mod set_aside;
mod settings;
mod several_processes;
mod shell;
mod signing_in;
mod source_clients;
mod source_pages;
mod source_people;
mod sources_api;
mod status_reports;
mod stop_keyword;
mod stop_races;
#[cfg(debug_assertions)]
mod suspended_worker;
mod template_editor;
mod templates;
mod texts;
mod throttle;
mod undo;
mod unsaved_changes;
mod untrusted_text;
mod validity_period;
mod webhook_secrets;
mod webhook_sources;
mod webhooks;
