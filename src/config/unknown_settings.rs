//! Unknown settings: names that look like a setting and are none are rejected, with a suggestion.

use super::declared_settings::SETTINGS;
use super::error::ConfigError;

/// Prefixes of variables that look like settings, but belong to tests and benchmarks.
const OTHER_PREFIXES: &[&str] = &["CARILLON_TEST_", "CARILLON_BENCH_"];

/// Whether only Carillon reads variables of this name.
pub(super) fn is_ours(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name) || name.starts_with("CARILLON_")
}

/// Rejects `CARILLON_*` names that are not settings, and suggests the nearest one.
pub(super) fn refuse_unknown<'a>(
    names: impl Iterator<Item = &'a String>,
) -> Result<(), ConfigError> {
    for name in names {
        let known = SETTINGS.iter().any(|setting| setting.name == name)
            || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if known || !name.to_ascii_uppercase().starts_with("CARILLON_") {
            continue;
        }
        let upper = name.to_ascii_uppercase();
        let nearest = SETTINGS
            .iter()
            .map(|setting| {
                (strsim::jaro_winkler(suffix(&upper), suffix(setting.name)), setting.name)
            })
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        return Err(ConfigError(match nearest {
            Some((_, nearest)) => format!("{name} is not a setting; did you mean {nearest}?"),
            None => format!("{name} is not a setting; `carillon --help` lists them all"),
        }));
    }
    Ok(())
}

/// The part of a name that distinguishes it from others.
fn suffix(name: &str) -> &str {
    name.strip_prefix("CARILLON_").unwrap_or(name)
}
