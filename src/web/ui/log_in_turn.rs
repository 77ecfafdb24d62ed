//! The turn of a throttled log-in attempt, which the request waits for.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Semaphore;

use crate::users::log_in::{self, LogInAttempt, Throttled};
use crate::web::{Access, Visit};

/// How often a delayed attempt checks whether its turn has come, since the clock may be adjusted.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Delays a log-in attempt until its turn. At most 500 attempts wait at once, since each keeps an
/// HTTP connection open; further ones are throttled.
pub(super) async fn wait_for_turn<R: Access>(
    visit: &Visit<R>,
    admission: Result<LogInAttempt, Throttled>,
) -> Result<LogInAttempt, Throttled> {
    static WAITING: Semaphore = Semaphore::const_new(500);
    let attempt = admission?;
    let remaining = || attempt.turn() - visit.now();
    if remaining() > TimeDelta::zero() {
        let _waiting = WAITING.try_acquire().map_err(|_| Throttled(log_in::MAX_WAIT))?;
        while let Ok(pause) = remaining().to_std().map(|wait| wait.min(CHECK_INTERVAL))
            && !pause.is_zero()
        {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(attempt)
}
