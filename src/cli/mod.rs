//! The command line: `carillon demo | serve | migrate | simulator | user | api-key`. [`run`] parses
//! the arguments and calls the command in [`crate::app`].

mod healthcheck;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use crate::app::{self, AppError, Duty, UserArguments};
use crate::config::{self, Config};
use crate::telemetry;
use crate::types::token::RandomToken;

const EXAMPLES: &str = "\
Examples:
  carillon demo                                  everything at http://127.0.0.1:8080, with a simulated Twilio and sample data
  carillon serve                                 the real thing, on a PostgreSQL of its own
  DATABASE_URL=postgres://… carillon serve       the same on your PostgreSQL
  carillon serve --role worker                   more hands for the same database
  carillon user create --email ada@example.com --role admin
  KEY=$(carillon api-key create --name shop --role marketer)

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 the database is not available, 78 a setting cannot be used.
";

const ROLES: [&str; 3] = ["admin", "marketer", "viewer"];

/// SMS marketing automation on your own Twilio account.
#[derive(Debug, Parser)]
#[command(name = "carillon", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows everything at once: a simulated Twilio, sample data, no account and no internet
    /// needed.
    Demo {
        /// Address and port of the pages, instead of CARILLON_BIND.
        #[arg(long, value_name = "ADDRESS:PORT")]
        bind: Option<String>,
    },
    /// Serves pages, API and hooks, and performs jobs.
    Serve {
        /// Which parts this process runs.
        #[arg(long, value_enum, default_value = "all")]
        role: Duty,
    },
    /// Brings the database to the version of this program (`serve` does so too).
    Migrate,
    /// Serves a local Twilio: its API, signed callbacks, and a page with a handset per number.
    Simulator {
        /// Address and port, instead of CARILLON_SIMULATOR_BIND.
        #[arg(long, value_name = "ADDRESS:PORT")]
        bind: Option<String>,
    },
    /// Manages the users who may sign in.
    #[command(subcommand, arg_required_else_help = true)]
    User(UserCommand),
    /// Manages the keys of the JSON API.
    #[command(subcommand, arg_required_else_help = true)]
    ApiKey(ApiKeyCommand),
    /// For when CARILLON_SECRET_KEY is lost: forgets the Twilio keys that can no longer be read, so
    /// that they can be entered again.
    ForgetKeys,
    /// Checks whether a `carillon serve` on this machine is ready; for Docker's HEALTHCHECK.
    Healthcheck,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Creates a user; without --password-stdin, a password is generated and printed.
    Create {
        /// Email address to sign in with.
        #[arg(long)]
        email: String,
        /// What the user may do.
        #[arg(long, value_parser = ROLES)]
        role: String,
        /// Name that is shown.
        #[arg(long)]
        name: Option<String>,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ApiKeyCommand {
    /// Creates a key and prints it, alone, on standard output; it is not shown again.
    Create {
        /// What the key is for.
        #[arg(long)]
        name: String,
        /// What the key may do.
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
}

/// Parses the arguments, runs the command and returns the exit code. Errors go to standard error as
/// one line.
#[expect(clippy::print_stderr, reason = "the error line of a command")]
pub fn run() -> ExitCode {
    let arguments = match arguments()
        .try_get_matches()
        .and_then(|matches| Arguments::from_arg_matches(&matches))
    {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version arrive here too, with code 0. A failure to print them is ignored.
            let _: io::Result<()> = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(perform(arguments.command)),
        Err(error) => Err(AppError::Other(format!("the runtime cannot be started: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carillon: {}", error.to_string().replace('\n', " "));
            ExitCode::from(error.exit_code())
        }
    }
}

fn arguments() -> clap::Command {
    Arguments::command()
        .after_help(EXAMPLES)
        .after_long_help(format!("{EXAMPLES}\n{}", config::help_text()))
}

async fn perform(command: Command) -> Result<(), AppError> {
    let config = Config::load(overrides(&command))?;
    telemetry::start(&config);
    match command {
        Command::Demo { .. } => app::demo(config).await,
        Command::Serve { role } => app::serve(config, role).await,
        Command::Simulator { .. } => app::simulator(config).await,
        Command::Migrate => match app::migrate(&config).await?.as_slice() {
            [] => print("The database is up to date."),
            [.., last] => print(&format!("The database is now at {last}.")),
        },
        Command::User(UserCommand::Create { email, role, name, password_stdin }) => {
            let (password, printed) =
                if password_stdin { (read_password()?, None) } else { generate_password() };
            app::create_user(&config, UserArguments { email, name, role, password }).await?;
            printed.map_or(Ok(()), |password| print(password.expose_secret()))
        }
        Command::ApiKey(ApiKeyCommand::Create { name, role }) => {
            print(app::create_api_key(&config, &name, &role).await?.expose_secret())
        }
        Command::ForgetKeys => {
            let count = app::forget_keys(&config).await?;
            let connections = if count == 1 { "connection" } else { "connections" };
            print(&format!(
                "Stopped until the keys are entered again in the Connection Center: {count} \
                 {connections}."
            ))
        }
        Command::Healthcheck => healthcheck::check(config.bind),
    }
}

/// The setting that the command line overrides, with its value.
fn overrides(command: &Command) -> Option<(&'static str, String)> {
    match command {
        Command::Demo { bind } => bind.clone().map(|bind| ("CARILLON_BIND", bind)),
        Command::Simulator { bind } => bind.clone().map(|bind| ("CARILLON_SIMULATOR_BIND", bind)),
        Command::Serve { .. }
        | Command::Migrate
        | Command::User(_)
        | Command::ApiKey(_)
        | Command::ForgetKeys
        | Command::Healthcheck => None,
    }
}

fn read_password() -> Result<SecretString, AppError> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| {
        AppError::Other(format!("the password cannot be read from standard input: {error}"))
    })?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(AppError::Other(
            "standard input holds no password: pipe it in, as in `printf %s \"$PASSWORD\" | \
             carillon user create …`"
                .to_owned(),
        ));
    }
    Ok(password.into())
}

/// Generates a password of 120 random bits, and the line to print: with a label on a terminal,
/// without one in a pipe.
fn generate_password() -> (SecretString, Option<SecretString>) {
    let token = RandomToken::generate();
    let password = &token.expose()[..20];
    let printed = if io::stdout().is_terminal() {
        format!("Password: {password}")
    } else {
        password.to_owned()
    };
    (password.into(), Some(printed.into()))
}

fn print(line: &str) -> Result<(), AppError> {
    writeln!(io::stdout(), "{line}")
        .map_err(|error| AppError::Other(format!("the result cannot be printed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        arguments()
            .try_get_matches_from(line.split(' '))
            .and_then(|matches| Arguments::from_arg_matches(&matches))
    }

    #[test]
    fn every_documented_command_is_parsed() {
        arguments().debug_assert();
        for line in [
            "carillon demo",
            "carillon demo --bind 127.0.0.1:9000",
            "carillon serve",
            "carillon serve --role web",
            "carillon migrate",
            "carillon simulator --bind 127.0.0.1:9001",
            "carillon user create --email a@example.com --role admin --password-stdin",
            "carillon user create --email a@example.com --role viewer --name Ada",
            "carillon api-key create --name shop --role marketer",
            "carillon forget-keys",
            "carillon healthcheck",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn wrong_usage_exits_with_2_and_help_with_0() {
        for line in [
            "carillon",
            "carillon sevre",
            "carillon serve --role boss",
            "carillon user create --email a@example.com --role boss",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        let help = parse("carillon --help").unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let help = help.to_string();
        assert!(
            help.contains("carillon demo")
                && help.contains("Exit codes:")
                && help.contains("CARILLON_PUBLIC_URL"),
            "{help}"
        );
        assert!(parse("carillon --version").unwrap_err().to_string().starts_with("carillon 0"));
    }
}
