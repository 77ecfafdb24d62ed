//! The simulator's source of time.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// A source of time: the system clock, or the clock of the program under test.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use std::sync::{Arc, Mutex};
/// use twilio_simulator::Clock;
///
/// let now: Arc<Mutex<DateTime<Utc>>> = Arc::default();
/// let shared = Arc::clone(&now);
/// let clock = Clock::new(move || *shared.lock().unwrap());
/// *now.lock().unwrap() += TimeDelta::days(3);
/// assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system clock in whole microseconds, the precision that databases store.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the only code that reads the system clock")]
    pub fn system() -> Self {
        Self::new(|| Utc::now().trunc_subsecs(6))
    }

    /// A clock that calls `now` for each reading.
    #[must_use]
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
