//! The composition root, which connects configuration, database, Twilio clients, worker and web
//! server. [`serve()`] and [`serve_demo`] run a whole process; [`start`] gives a [`Running`] server
//! and worker, also to tests; [`database_commands`] run once. Start reading at [`serve()`].

mod clock_sync;
mod database;
mod database_commands;
mod demo;
mod error;
mod listen_error;
mod open_files_limit;
mod serve;
mod simulator;
mod startup_secrets;
mod stop_signal;

pub use database::Database;
pub use database_commands::{NewUserArguments, create_api_key, create_user, forget_keys, migrate};
pub use demo::serve_demo;
pub use error::AppError;
pub use serve::{ProcessRole, Running, new_worker, serve, start};
pub use simulator::{instant_simulator, serve_simulator};
pub use startup_secrets::{check_secret_key, fill_hook_secrets};
