//! The units of a time that is typed.

/// Units of a wait with their seconds, the longest first.
pub(super) const UNITS: [(&str, u32); 4] =
    [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];

/// A time in the longest unit that it is a whole number of.
pub(super) fn in_longest_unit(seconds: u32) -> (String, &'static str) {
    let (unit, length) = UNITS
        .into_iter()
        .find(|(_, length)| seconds.is_multiple_of(*length))
        .unwrap_or(("seconds", 1));
    ((seconds / length).to_string(), unit)
}
