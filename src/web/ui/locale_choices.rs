//! Countries and time zones as options of select boxes.

use chrono_tz::TZ_VARIANTS;

use super::Choice;
use crate::types::country::Country;

/// All countries with their calling codes, for a select box.
pub(super) fn countries() -> Vec<Choice> {
    let label = |country: &Country| format!("{} (+{})", country.name(), country.calling_code());
    Country::all().iter().map(|country| Choice::new(country.code(), label(country))).collect()
}

/// Time zones named after a place, such as `Europe/Berlin`, and UTC, for a select box.
/// Abbreviations, offsets and `US/` aliases of the tz database are left out.
pub(super) fn time_zones() -> Vec<Choice> {
    let named_after_places = TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"));
    std::iter::once("UTC")
        .chain(named_after_places)
        .map(|name| Choice::new(name, name.replace('_', " ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_named_after_places() {
        let zones = time_zones();
        assert!(zones.iter().any(|zone| zone.value == "Europe/Berlin") && zones[0].value == "UTC");
        assert!(!zones.iter().any(|zone| zone.value == "EST"));
    }
}
