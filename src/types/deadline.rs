//! Deadlines: points in time by clocks that go on while the process, or the whole machine, is
//! suspended.

use std::time::Duration;

use crate::clock;

/// A point in time, to tell whether it has passed, not what time it is.
///
/// Two clocks tell it, and the one that has come further counts. The first counts from the start of
/// the machine, time in suspension included (`CLOCK_BOOTTIME`); it stands still while a virtual
/// machine is paused from outside. The second is the time of day, which is put right after that. A
/// step of the time of day makes a moment pass early, never late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    since_boot: Duration,
    since_1970: Duration,
}

impl Deadline {
    /// This moment. It costs two readings without a system call, some 50 ns.
    #[must_use]
    pub fn now() -> Self {
        Self { since_boot: clock::since_boot(), since_1970: clock::since_1970() }
    }

    /// The moment that comes so much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self { since_boot: self.since_boot + duration, since_1970: self.since_1970 + duration }
    }

    /// The sooner of two moments, by each clock.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        Self {
            since_boot: self.since_boot.min(other.since_boot),
            since_1970: self.since_1970.min(other.since_1970),
        }
    }

    /// Whether it lies in the past.
    #[must_use]
    pub fn has_passed(self) -> bool {
        let now = Self::now();
        now.since_boot > self.since_boot || now.since_1970 > self.since_1970
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_passed_when_one_of_its_clocks_says_so() {
        let now = Deadline::now();
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        assert!(!now.after(minute).has_passed());
        let paused =
            Deadline { since_1970: now.since_1970.saturating_sub(minute), ..now.after(hour) };
        assert!(paused.has_passed(), "the machine stood still, and its time of day was put right");
        let suspended = Deadline {
            since_boot: now.since_boot.saturating_sub(Duration::from_millis(1)),
            ..now.after(hour)
        };
        assert!(suspended.has_passed());
        assert_eq!(now.after(hour).sooner(now.after(minute)), now.after(minute));
    }
}
