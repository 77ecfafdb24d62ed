//! The dispatch of the command line: each command calls [`crate::app`] and prints the result.

use std::io::{self, Write};

use secrecy::ExposeSecret;

use super::arguments::{ApiKeyCommand, CliCommand, UserCommand, overrides};
use super::healthcheck;
use super::password::{generate_password, read_password};
use crate::app::{self, AppError, NewUserArguments};
use crate::config::Config;
use crate::logging;

/// Performs a command.
pub(super) async fn perform(command: CliCommand) -> Result<(), AppError> {
    let config = Config::load(overrides(&command))?;
    logging::start(&config);
    match command {
        CliCommand::Demo { .. } => app::serve_demo(config).await,
        CliCommand::Serve { role } => app::serve(config, role).await,
        CliCommand::Simulator { .. } => app::serve_simulator(config).await,
        CliCommand::Migrate => match app::migrate(&config).await?.as_slice() {
            [] => print("The database is up to date."),
            [.., last] => print(&format!("The database is now at {last}.")),
        },
        CliCommand::User(UserCommand::Create { email, role, name, password_stdin }) => {
            let (password, printed) =
                if password_stdin { (read_password()?, None) } else { generate_password() };
            app::create_user(&config, NewUserArguments { email, name, role, password }).await?;
            printed.map_or(Ok(()), |password| print(password.expose_secret()))
        }
        CliCommand::ApiKey(ApiKeyCommand::Create { name, role }) => {
            print(app::create_api_key(&config, &name, &role).await?.expose_secret())
        }
        CliCommand::ForgetKeys => {
            let count = app::forget_keys(&config).await?;
            let connections = if count == 1 { "connection" } else { "connections" };
            print(&format!(
                "Stopped until the keys are entered again in the Connection Center: {count} \
                 {connections}."
            ))
        }
        CliCommand::Healthcheck => healthcheck::check(config.bind),
    }
}

fn print(line: &str) -> Result<(), AppError> {
    writeln!(io::stdout(), "{line}")
        .map_err(|error| AppError::Other(format!("the result cannot be printed: {error}")))
}
