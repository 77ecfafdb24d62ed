//! A benchmark as a command: its runtime, and how it ends.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::Outcome;

/// Runs it to its end; an error is written with what is behind it.
#[expect(clippy::print_stderr, reason = "the error line of a command")]
pub(crate) fn run(work: impl Future<Output = Outcome<()>>) -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(work)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // PostgreSQL's own words stand behind those of its client.
            let mut words = error.to_string();
            let mut cause = error.source();
            while let Some(behind) = cause {
                let _ = write!(words, ": {behind}");
                cause = behind.source();
            }
            eprintln!("bench: {words}");
            ExitCode::FAILURE
        }
    }
}
