//! Threads for the parts of the benchmark. They have names, so that `process_usage.rs` can
//! attribute their CPU time.

use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::Outcome;

/// The name of the fake Twilio's thread.
pub(crate) const FAKE_TWILIO: &str = "fake-twilio";
/// The name of the load tool's thread.
pub(crate) const LOAD: &str = "load";

/// Starts a thread with its own runtime, which runs until the program ends.
pub(crate) fn start(name: &str) -> Outcome<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
