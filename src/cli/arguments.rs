//! The arguments of the command line: the commands with their options and their help.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app::ProcessRole;
use crate::config;

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
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
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
        role: ProcessRole,
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
pub(super) enum UserCommand {
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
pub(super) enum ApiKeyCommand {
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

impl Arguments {
    /// Parses the arguments of this process. Help and version are errors, too.
    pub(super) fn read() -> Result<Self, clap::Error> {
        arguments().try_get_matches().and_then(|matches| Self::from_arg_matches(&matches))
    }
}

fn arguments() -> clap::Command {
    Arguments::command()
        .after_help(EXAMPLES)
        .after_long_help(format!("{EXAMPLES}\n{}", config::help_text()))
}

/// The setting that the command line overrides, with its value.
pub(super) fn overrides(command: &CliCommand) -> Option<(&'static str, String)> {
    match command {
        CliCommand::Demo { bind } => bind.clone().map(|bind| ("CARILLON_BIND", bind)),
        CliCommand::Simulator { bind } => {
            bind.clone().map(|bind| ("CARILLON_SIMULATOR_BIND", bind))
        }
        CliCommand::Serve { .. }
        | CliCommand::Migrate
        | CliCommand::User(_)
        | CliCommand::ApiKey(_)
        | CliCommand::ForgetKeys
        | CliCommand::Healthcheck => None,
    }
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
