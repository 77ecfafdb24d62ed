//! The units of time in the editor's form.

/// The units of a wait with their seconds, the longest first.
pub(super) const UNITS: [(&str, u32); 4] =
    [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];

/// Converts seconds to the longest unit of which they are a whole number.
pub(super) fn in_longest_unit(seconds: u32) -> (String, &'static str) {
    let (unit, length) = UNITS
        .into_iter()
        .find(|(_, length)| seconds.is_multiple_of(*length))
        .unwrap_or(("seconds", 1));
    ((seconds / length).to_string(), unit)
}
