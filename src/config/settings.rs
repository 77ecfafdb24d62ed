//! The list of settings in use: for `--help`, for `docs/configuration.md`, and for rejecting
//! unknown names.

use std::fmt::Write;

use super::declared;
use super::error::ConfigError;
use super::setting::{Secrecy, Setting};

/// Every setting, in the order of the documentation.
pub const SETTINGS: &[Setting] = declared::ALL;

/// Prefixes of variables that look like settings, but belong to tests and benchmarks.
const OTHER_PREFIXES: &[&str] = &["CARILLON_TEST_", "CARILLON_BENCH_"];

/// The settings with their defaults, for the end of `carillon --help`.
pub fn help_text() -> String {
    let mut text = String::from(
        "Settings (environment variables, also read from .env in the current directory):\n",
    );
    for setting in SETTINGS {
        let _ = write!(text, "\n  {}  [default: {}]\n", setting.name, setting.default);
        for line in wrap(setting.about, 84) {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// The settings as the Markdown of `docs/configuration.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Configuration\n\nCarillon is configured by environment variables. A file `.env` in the \
         current directory is read too; the real environment wins.\n\
         Empty values count as not set. An unknown `CARILLON_…` name is an error, so that a slip \
         of the pen does not go unnoticed.\n\
         This page is generated from `src/config/mod.rs`: `CARILLON_TEST_WRITE_DOCS=1 cargo test \
         --lib config` writes it anew.\n",
    );
    for setting in SETTINGS {
        let _ = write!(text, "\n## `{}`\n\nDefault: {}.\n\n", setting.name, setting.default);
        for line in wrap(setting.about, 130) {
            let _ = writeln!(text, "{line}");
        }
        match setting.secrecy {
            Secrecy::Shown => {}
            Secrecy::Url => text.push_str("Its password is never shown or logged.\n"),
            Secrecy::Hidden => text.push_str("Never shown or logged.\n"),
        }
    }
    text
}

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

/// Breaks `text` into lines of at most `width` characters, between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
