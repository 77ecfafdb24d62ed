//! A sender's limits: its rate, and how long its messages stay valid.

use super::message_validity::Validity;
use super::rate::PartsPerSecond;

/// The limits of a sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Maximum rate; `None` for no limit by Carillon.
    pub parts_per_second: Option<PartsPerSecond>,
    /// How long its messages stay valid.
    pub validity: Validity,
}

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.parts_per_second {
            Some(rate) => write!(f, "a rate of {}", rate.get())?,
            None => f.write_str("no rate")?,
        }
        write!(f, " and a validity of {} minutes", self.validity.minutes())
    }
}
