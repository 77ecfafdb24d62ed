//! Logging and tracing set-up.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging to stderr as configured; a second call changes nothing, so that tests may all
/// call it.
pub fn start(config: &Config) {
    // Already started: the first set-up stays.
    let _: Result<(), _> = try_start(config);
}

fn try_start(config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter(&config.log)?).with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => {
            lines.compact().with_target(false).with_ansi(io::stderr().is_terminal()).try_init()
        }
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    }
}

/// The configured filter, whatever it says without the driver's debug lines: they hold the
/// parameters of statements, which are phone numbers and texts.
fn filter(text: &str) -> Result<EnvFilter, Box<dyn std::error::Error + Send + Sync>> {
    let quiet =
        ["tokio_postgres=info", "tokio_postgres::query=info", "tokio_postgres::prepare=info"];
    // The web server's own start-up lines say nothing that ours do not; a filter that names it
    // wins.
    let filter = EnvFilter::try_new(format!("actix_server=warn,{text}"))?;
    quiet.iter().try_fold(filter, |filter, directive| Ok(filter.add_directive(directive.parse()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_statements_are_never_logged() {
        for text in ["trace", "tokio_postgres=trace", "info,tokio_postgres::query=debug"] {
            let shown = filter(text).unwrap().to_string();
            assert!(
                !shown.contains("tokio_postgres=trace")
                    && !shown.contains("tokio_postgres::query=debug"),
                "{shown}"
            );
            assert!(shown.contains("tokio_postgres::query=info"), "{shown}");
        }
    }
}
