//! Logging: written to stderr in the configured form, without phone numbers and message texts.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging to stderr as configured. A second call has no effect, so that every test can call
/// it.
pub fn start(config: &Config) {
    // An error means that logging has started already; the first setup stays.
    let _: Result<(), _> = try_start(config);
}

fn try_start(config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter(&config.log)?).with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => {
            subscriber.compact().with_target(false).with_ansi(io::stderr().is_terminal()).try_init()
        }
        LogFormat::Json => subscriber
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    }
}

/// The configured log filter, always without the database driver's debug lines: they contain
/// statement parameters, which are phone numbers and message texts.
fn filter(text: &str) -> Result<EnvFilter, Box<dyn std::error::Error + Send + Sync>> {
    let driver_directives =
        ["tokio_postgres=info", "tokio_postgres::query=info", "tokio_postgres::prepare=info"];
    // The start-up lines of actix_server repeat ours. A configured filter that names it takes
    // precedence.
    let filter = EnvFilter::try_new(format!("actix_server=warn,{text}"))?;
    driver_directives
        .iter()
        .try_fold(filter, |filter, directive| Ok(filter.add_directive(directive.parse()?)))
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
