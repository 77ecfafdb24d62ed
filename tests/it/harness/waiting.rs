//! Waiting in real time, the only place where stories sleep. A story waits for a condition with
//! [`poll_until`]; [`real_time`] is for what only time can show.

use std::time::{Duration, Instant};

/// How long [`poll_until`] waits at most.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Polls until there is a result; fails after a minute.
pub(crate) async fn poll_until<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(started.elapsed() < TIMEOUT, "{what}: not within a minute");
        between_polls().await;
    }
}

/// The pause between two polls, for loops that fail with more than a sentence.
pub(crate) async fn between_polls() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Lets real time pass where no condition can be awaited: the load of clients, an outage that
/// lasts, a race at random moments, or something that must not happen.
pub(crate) async fn real_time(duration: Duration, reason: &str) {
    tracing::trace!(?duration, reason, "a story lets time pass");
    tokio::time::sleep(duration).await;
}
