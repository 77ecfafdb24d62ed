//! Configuration from environment variables. [`Config`] holds the parsed values, [`SETTINGS`]
//! describes them. Start reading at `declared.rs`, which lists every setting with its
//! documentation.

mod declared;
mod error;
mod key_file;
mod parse;
mod setting;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use url::Url;

use crate::types::network::TrustedProxies;
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;

pub use declared::Config;
pub use error::ConfigError;
pub use parse::LogFormat;
pub use setting::{InEffect, Secrecy, Setting, SettingOrigin};
pub use settings::{SETTINGS, help_text, markdown};

impl Config {
    /// Reads the environment, and `.env` in the current directory for variables that are not set
    /// there; `overrides` take precedence over both.
    pub fn load(
        overrides: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = with_origin(SettingOrigin::EnvFile, parse::dotenv(Path::new(".env"))?);
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => {
                    drop(vars.insert(name.to_owned(), (SettingOrigin::Environment, value)));
                }
                Err(_) if settings::is_ours(name) => {
                    return Err(ConfigError(format!("{name} is not valid UTF-8; write it anew")));
                }
                Err(_) => {}
            }
        }
        vars.extend(with_origin(SettingOrigin::Command, overrides));
        Self::parse(vars)
    }

    /// Parses pairs of name and value as if they were the environment. Other programs' names and
    /// empty values are ignored.
    pub fn from_vars<I, N, V>(vars: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        Self::parse(with_origin(SettingOrigin::Environment, vars))
    }

    fn parse(vars: BTreeMap<String, (SettingOrigin, String)>) -> Result<Self, ConfigError> {
        let mut origins = BTreeMap::new();
        let mut values = BTreeMap::new();
        for (name, (origin, value)) in vars {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) {
                origins.insert(setting.name, origin);
            }
            values.insert(name, value.to_owned());
        }
        let vars = values;
        settings::refuse_unknown(vars.keys())?;
        let vars = parse::Vars(&vars);
        let bind = vars.parse_or("CARILLON_BIND", parse::address, "127.0.0.1:8080")?;
        Ok(Self {
            database_url: vars.parse("DATABASE_URL", parse::database_url)?,
            bind,
            public_url: vars.parse_or(
                "CARILLON_PUBLIC_URL",
                |text| PublicUrl::parse(text).map_err(|error| error.to_string()),
                &format!("http://{bind}"),
            )?,
            trusted_proxies: vars.parse_or(
                "CARILLON_TRUSTED_PROXIES",
                |text| TrustedProxies::parse(text).map_err(|error| error.to_string()),
                "none",
            )?,
            max_connections: vars
                .parse("CARILLON_MAX_CONNECTIONS", |text| parse::count(text, 16, 100_000))?,
            connections_per_caller: vars.parse_or(
                "CARILLON_CONNECTIONS_PER_CALLER",
                |text| parse::count(text, 8, 100_000),
                "1000",
            )?,
            request_timeout: vars.parse_or("CARILLON_REQUEST_TIMEOUT", parse::seconds, "10")?,
            secret_key: vars.parse("CARILLON_SECRET_KEY", |text| {
                SecretKey::parse(text).map_err(|error| error.to_string())
            })?,
            data_dir: match vars.parse("CARILLON_DATA_DIR", parse::directory)? {
                Some(directory) => directory,
                None => parse::default_data_dir(vars)?,
            },
            twilio_api_url: vars.parse("CARILLON_TWILIO_API_URL", parse::api_url)?,
            worker_concurrency: vars.parse_or(
                "CARILLON_WORKER_CONCURRENCY",
                |text| parse::count(text, 1, 10_000),
                "256",
            )?,
            database_connections: vars.parse_or(
                "CARILLON_DATABASE_CONNECTIONS",
                |text| parse::count(text, 2, 180),
                "20",
            )?,
            log: vars.parse_or("CARILLON_LOG", parse::log_filter, "info")?,
            log_format: vars.parse_or("CARILLON_LOG_FORMAT", parse::log_format, "text")?,
            simulator_bind: vars.parse_or(
                "CARILLON_SIMULATOR_BIND",
                parse::address,
                "127.0.0.1:8090",
            )?,
            origins,
        })
    }

    /// The key that seals secrets: the configured one, or else `secret.key` in the data directory,
    /// which is created if it is missing.
    pub fn secret_key(&self) -> Result<SecretKey, ConfigError> {
        match &self.secret_key {
            Some(key) => Ok(key.clone()),
            None => key_file::load_or_create(&self.data_dir),
        }
    }

    /// Turns this into the configuration of the demo: the simulator in place of Twilio, and only
    /// the embedded database. Returns whether a database was configured.
    pub fn for_demo(&mut self, simulator: Url) -> bool {
        self.twilio_api_url = Some(simulator);
        self.origins.insert("CARILLON_TWILIO_API_URL", SettingOrigin::Command);
        self.origins.remove("DATABASE_URL");
        self.database_url.take().is_some()
    }

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
            self.database_url
                .as_ref()
                .map_or_else(|| "a PostgreSQL of its own".to_owned(), parse::mask_password),
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
            self.twilio_api_url.as_ref().map_or_else(|| "Twilio's own".to_owned(), Url::to_string),
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

/// Adds the origin to pairs of name and value.
fn with_origin<I, N, V>(origin: SettingOrigin, vars: I) -> BTreeMap<String, (SettingOrigin, String)>
where
    I: IntoIterator<Item = (N, V)>,
    N: Into<String>,
    V: Into<String>,
{
    vars.into_iter().map(|(name, value)| (name.into(), (origin, value.into()))).collect()
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.masked()).finish()
    }
}

#[cfg(test)]
mod tests;
