//! Logging and tracing set-up.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging to stderr as configured; a second call changes nothing, so that tests may all call it.
pub fn start(config: &Config) {
    // Already started: the first set-up stays.
    let _: Result<(), _> = try_start(config);
}

fn try_start(config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(&config.log)?).with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => lines.compact().with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    }
}
