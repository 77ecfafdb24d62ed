//! Threads for the parts that belong to the measurement: named, so that their CPU time can be told
//! from the product's.

use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::Outcome;

/// The fake Twilio's thread.
pub(crate) const FAKE: &str = "fake-twilio";
/// The load tool's thread.
pub(crate) const LOAD: &str = "load";

/// Starts a thread with a runtime of its own, which lives as long as the program.
pub(crate) fn start(name: &str) -> Outcome<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
