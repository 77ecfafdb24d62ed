//! What all stories of a test process share: printed lines, seeds, the log, the crypto provider,
//! and clean-up in a `drop`.

use std::sync::Once;

use tokio::runtime::Handle;

/// Runs cleanup to completion in a `drop`, also after a failure.
pub(super) fn finish(end: impl Future<Output = ()>) {
    tokio::task::block_in_place(|| Handle::current().block_on(end));
}

/// The seed of a randomised story: `CARILLON_TEST_SEED`, or a new one. It is printed, so that a
/// failure can be repeated.
pub(crate) fn seed(what: &str) -> u64 {
    let given =
        std::env::var_os("CARILLON_TEST_SEED").map(|seed| seed.to_str().unwrap().parse().unwrap());
    let seed = given.unwrap_or_else(rand::random);
    print_line(&format!("{what} of seed {seed}; CARILLON_TEST_SEED={seed} repeats it"));
    seed
}

/// Prints a line that the test runner shows when the story fails.
#[expect(
    clippy::print_stdout,
    reason = "the test runner captures it, and shows it when the story fails"
)]
pub(crate) fn print_line(line: &str) {
    println!("{line}");
}

/// Installs the crypto provider for the clients of the tests; the product configures only its own
/// client.
pub(crate) fn choose_crypto() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
}

/// Logs to the test output if `CARILLON_TEST_LOG` is set, e.g. to `info`.
pub(super) fn start_log() {
    if let Some(filter) = std::env::var_os("CARILLON_TEST_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter.to_string_lossy());
        // Another story of this process may have installed a subscriber already.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    }
}
