//! The command line: `carillon demo | serve | migrate | simulator | user | api-key`. [`run`] parses
//! the [`Arguments`] and performs the command, which is in [`dispatch`].

mod arguments;
mod dispatch;
mod healthcheck;
mod password;

use std::io;
use std::process::ExitCode;

use crate::app::AppError;
use arguments::Arguments;

/// Parses the arguments, runs the command and returns the exit code. Errors go to standard error as
/// one line.
#[expect(clippy::print_stderr, reason = "the error line of a command")]
pub fn run() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version arrive here too, with code 0. A failure to print them is ignored.
            let _: io::Result<()> = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(dispatch::perform(arguments.command)),
        Err(error) => Err(AppError::Other(format!("the runtime cannot be started: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carillon: {}", error.to_string().replace('\n', " "));
            ExitCode::from(error.exit_code())
        }
    }
}
