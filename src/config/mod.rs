//! Configuration from environment variables. [`Config`] holds the parsed values, [`SETTINGS`]
//! describes them. Start reading at `declared_settings.rs`, which lists every setting with its
//! documentation.

mod declared_settings;
mod error;
mod in_effect;
mod key_file;
mod load;
mod log_format;
mod setting;
mod setting_parsers;
mod settings_docs;
mod unknown_settings;

pub use declared_settings::{Config, SETTINGS};
pub use error::ConfigError;
pub use in_effect::InEffect;
pub use log_format::LogFormat;
pub use setting::{Secrecy, Setting, SettingOrigin};
pub use settings_docs::{help_text, markdown};

#[cfg(test)]
mod tests;
