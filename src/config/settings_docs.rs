//! The documentation of all settings: for `--help`, and for `docs/configuration.md`.

use std::fmt::Write;

use super::declared_settings::SETTINGS;
use super::setting::Secrecy;

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
         This page is generated from `src/config/declared_settings.rs`: \
         `CARILLON_TEST_WRITE_DOCS=1 cargo test --lib config` writes it anew.\n",
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
