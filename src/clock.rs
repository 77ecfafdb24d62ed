//! The only source of time, so that tests can advance it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// How far the machine's clock may differ from the reference before it is corrected.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(500);

/// The end of the year 9999, which is later than any event.
pub const FAR_FUTURE: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end_of_9999) => end_of_9999,
    None => DateTime::<Utc>::MIN_UTC,
};

/// A source of the current time. It is cheap to clone; all clones of a manual clock advance
/// together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clock, with a correction in microseconds.
    System(Arc<AtomicI64>),
    /// A time that stands still, in microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows the machine's time, corrected by [`Clock::follow`].
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stays at `start` until it is advanced.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The current time, truncated to microseconds as PostgreSQL stores it, so that a time read
    /// back equals the time written.
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

    /// Corrects this clock to the database's, which all machines of an installation share:
    /// heartbeats and limits compare times that different machines wrote. Differences below half a
    /// second are ignored; a manual clock is never corrected.
    ///
    /// Returns how far the machine's clock is ahead of the reference, if the correction has
    /// changed.
    pub fn follow(&self, reference: DateTime<Utc>) -> Option<TimeDelta> {
        let Source::System(correction) = &self.0 else { return None };
        let ahead = self.now() - reference;
        if ahead.abs() < TOLERANCE {
            return None;
        }
        let before =
            correction.fetch_sub(ahead.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        Some(ahead - TimeDelta::microseconds(before))
    }

    /// Advances a manual clock, with all its clones, and returns its new time; a system clock stays
    /// as it is.
    pub fn advance(&self, by: TimeDelta) -> DateTime<Utc> {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX / 2), Ordering::SeqCst);
        }
        self.now()
    }
}

/// How long the machine has been running, including time in suspension.
pub(crate) fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_BOOTTIME;
    // On other systems, this clock includes time in suspension.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// The machine's uncorrected time of day, as the time since 1970.
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
    fn a_wrong_machine_clock_follows_the_database() {
        let (right, wrong) = (Clock::system(), Clock::system());
        assert_eq!(
            wrong.follow(right.now() - TimeDelta::milliseconds(100)),
            None,
            "the latency of the answer is within the tolerance"
        );
        let ahead = wrong.follow(right.now() - TimeDelta::seconds(90)).unwrap();
        assert_eq!(ahead.num_seconds(), 90);
        assert!((right.now() - wrong.now() - TimeDelta::seconds(90)).abs() < TimeDelta::seconds(1));
        // The machine's clock has been set right since, so the correction is removed.
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
