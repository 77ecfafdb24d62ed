//! Deadlines by clocks that continue while the process or the machine is suspended.

use std::time::Duration;

use crate::clock;

/// A point in time that can only be tested for having passed.
///
/// It is measured by two clocks, and the one further ahead counts. `CLOCK_BOOTTIME` includes
/// suspension, but stops while a hypervisor pauses the machine. The time of day is corrected
/// afterwards; if it is stepped, a deadline passes early, never late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    since_boot: Duration,
    since_1970: Duration,
}

impl Deadline {
    /// The current time. Reads two clocks without a system call, some 50 ns.
    #[must_use]
    pub fn now() -> Self {
        Self { since_boot: clock::since_boot(), since_1970: clock::since_1970() }
    }

    /// The deadline `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self { since_boot: self.since_boot + duration, since_1970: self.since_1970 + duration }
    }

    /// The earlier of two deadlines, by each clock.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self {
            since_boot: self.since_boot.min(other.since_boot),
            since_1970: self.since_1970.min(other.since_1970),
        }
    }

    /// Whether the deadline has passed.
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
    fn a_deadline_has_passed_if_one_of_its_clocks_says_so() {
        let now = Deadline::now();
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        assert!(!now.after(minute).has_passed());
        let paused =
            Deadline { since_1970: now.since_1970.saturating_sub(minute), ..now.after(hour) };
        assert!(paused.has_passed(), "the machine was paused, and its time of day was corrected");
        let suspended = Deadline {
            since_boot: now.since_boot.saturating_sub(Duration::from_millis(1)),
            ..now.after(hour)
        };
        assert!(suspended.has_passed());
        assert_eq!(now.after(hour).earlier(now.after(minute)), now.after(minute));
    }
}
