//! The settings in effect, for display: without passwords and keys.

use std::fmt;

use url::Url;

use super::declared_settings::{Config, SETTINGS};
use super::log_format::LogFormat;
use super::setting::{Setting, SettingOrigin};
use super::setting_parsers;
use crate::mail::{MailFrom, SmtpUrl};

/// A setting with its current value, for display.
#[derive(Debug, Clone)]
pub struct InEffect {
    /// The setting.
    pub setting: Setting,
    /// The current value, with passwords and keys masked.
    pub value: String,
    /// Where the value comes from.
    pub origin: SettingOrigin,
}

impl Config {
    /// Every setting with its current value and origin, for display.
    pub fn in_effect(&self) -> Vec<InEffect> {
        let origin = |name: &str| self.origins.get(name).copied().unwrap_or(SettingOrigin::Default);
        let effective = |(setting, (name, value)): (&Setting, (&str, String))| InEffect {
            setting: *setting,
            value,
            origin: origin(name),
        };
        SETTINGS.iter().zip(self.masked()).map(effective).collect()
    }

    /// Name and value of each setting, for display: passwords and keys are masked.
    pub fn masked(&self) -> Vec<(&'static str, String)> {
        let values = [
            self.database_url.as_ref().map_or_else(
                || "a PostgreSQL of its own".to_owned(),
                setting_parsers::mask_password,
            ),
            self.bind.to_string(),
            self.public_url.to_string(),
            self.trusted_proxies.to_string(),
            self.max_connections
                .map_or_else(|| "half of the open files".to_owned(), |most| most.to_string()),
            self.connections_per_caller.to_string(),
            self.request_timeout.as_secs().to_string(),
            if self.secret_key.is_some() {
                "set"
            } else {
                "the file secret.key in the data directory"
            }
            .to_owned(),
            self.data_dir.display().to_string(),
            self.twilio_api_url.as_ref().map_or_else(|| "Twilio’s own".to_owned(), Url::to_string),
            self.smtp_url.as_ref().map_or_else(|| "none".to_owned(), SmtpUrl::masked),
            self.mail_from.as_ref().map_or_else(|| "none".to_owned(), MailFrom::to_string),
            self.worker_concurrency.to_string(),
            self.database_connections.to_string(),
            self.log.clone(),
            match self.log_format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }
            .to_owned(),
            self.simulator_bind.to_string(),
        ];
        SETTINGS.iter().map(|setting| setting.name).zip(values).collect()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.masked()).finish()
    }
}
