//! The one source of time, so that tests can advance it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Two clocks that differ by less than this are right.
const CLOSE: TimeDelta = TimeDelta::milliseconds(500);

/// Later than anything that happens.
pub const EVER: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end_of_9999) => end_of_9999,
    None => DateTime::<Utc>::MIN_UTC,
};

/// Tells the time; cheap to clone, and all clones of a manual clock advance together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's, put right by so many microseconds.
    System(Arc<AtomicI64>),
    /// Microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The time of the machine, until [`Clock::follow`] finds it wrong.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stands at `start` until it is advanced.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The current time, truncated to microseconds: what PostgreSQL keeps, so that a time read back
    /// equals the time written.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's time"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System(correction) => (Utc::now()
                + TimeDelta::microseconds(correction.load(Ordering::Relaxed)))
            .trunc_subsecs(6),
            Source::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst))
                    .unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// Goes by another clock, the database's, which all machines of an installation share:
    /// heartbeats and limits compare times that different machines wrote. Differences below half a
    /// second are left alone; a manual clock follows nobody.
    ///
    /// Returns how far the machine was ahead where that was more than half a second away from what
    /// was known before.
    pub fn follow(&self, reference: DateTime<Utc>) -> Option<TimeDelta> {
        let Source::System(correction) = &self.0 else { return None };
        let ahead = self.now() - reference;
        if ahead.abs() < CLOSE {
            return None;
        }
        let before =
            correction.fetch_sub(ahead.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        Some(ahead - TimeDelta::microseconds(before))
    }

    /// Moves a manual clock on by `by`, for all its clones, and returns its new time; the system's
    /// clock stays as it is.
    pub fn advance(&self, by: TimeDelta) -> DateTime<Utc> {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX / 2), Ordering::SeqCst);
        }
        self.now()
    }
}

/// How long the machine has been running, time in suspension included.
pub(crate) fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_BOOTTIME;
    // It counts suspension where there is no other of that name.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// The machine's time of day, as nobody has put it right.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's time"
)]
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_advance_together() {
        let start = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        let clock = Clock::manual(start);
        let other = clock.clone();
        assert_eq!(other.advance(TimeDelta::days(3)), start.trunc_subsecs(6) + TimeDelta::days(3));
        assert_eq!(clock.now(), other.now());
    }

    #[test]
    fn a_machine_whose_clock_is_wrong_goes_by_the_databases() {
        let (right, wrong) = (Clock::system(), Clock::system());
        assert_eq!(
            wrong.follow(right.now() - TimeDelta::milliseconds(100)),
            None,
            "the way of the answer is no difference"
        );
        let ahead = wrong.follow(right.now() - TimeDelta::seconds(90)).unwrap();
        assert_eq!(ahead.num_seconds(), 90);
        assert!((right.now() - wrong.now() - TimeDelta::seconds(90)).abs() < TimeDelta::seconds(1));
        // The machine's clock was put right meanwhile: the correction goes.
        let ahead = wrong.follow(right.now()).unwrap();
        assert_eq!(ahead.num_seconds(), 0);
        assert!((right.now() - wrong.now()).abs() < TimeDelta::seconds(1));
        let manual = Clock::manual(DateTime::UNIX_EPOCH);
        assert_eq!(manual.follow(right.now()), None);
        assert_eq!(manual.now(), DateTime::UNIX_EPOCH);
    }

    #[test]
    fn the_system_clock_has_the_precision_of_the_database_and_cannot_be_advanced() {
        let clock = Clock::system();
        assert_eq!(clock.now().timestamp_subsec_nanos() % 1_000, 0);
        assert!(clock.advance(TimeDelta::days(30)) - clock.now() < TimeDelta::days(1));
    }
}
