//! The runtime and the exit code of a benchmark.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::Outcome;

/// Runs a benchmark; an error is printed with its causes.
#[expect(clippy::print_stderr, reason = "the error line of a command")]
pub(crate) fn run(work: impl Future<Output = Outcome<()>>) -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(work)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // PostgreSQL's own message is the cause of the client's error.
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                let _ = write!(message, ": {error}");
                cause = error.source();
            }
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
