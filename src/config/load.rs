//! Loading the configuration: from the environment, and from `.env` in the current directory.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use url::Url;

use super::declared_settings::{Config, SETTINGS};
use super::error::ConfigError;
use super::setting::SettingOrigin;
use super::{setting_parsers, unknown_settings};
use crate::mail::{MailFrom, SmtpUrl};
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;
use crate::types::trusted_proxies::TrustedProxies;

impl Config {
    /// Reads the environment, and `.env` in the current directory for variables that are not set
    /// there; `overrides` take precedence over both.
    pub fn load(
        overrides: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = with_origin(SettingOrigin::EnvFile, dotenv(Path::new(".env"))?);
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => {
                    drop(vars.insert(name.to_owned(), (SettingOrigin::Environment, value)));
                }
                Err(_) if unknown_settings::is_ours(name) => {
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

    pub(super) fn parse(
        vars: BTreeMap<String, (SettingOrigin, String)>,
    ) -> Result<Self, ConfigError> {
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
        unknown_settings::refuse_unknown(vars.keys())?;
        let vars = setting_parsers::Vars(&vars);
        let bind = vars.parse_or("CARILLON_BIND", setting_parsers::address, "127.0.0.1:8080")?;
        let smtp_url = vars.parse("CARILLON_SMTP_URL", |text| {
            SmtpUrl::parse(text).map_err(|error| error.to_string())
        })?;
        let mail_from = vars.parse("CARILLON_MAIL_FROM", |text| {
            MailFrom::parse(text).map_err(|error| error.to_string())
        })?;
        if smtp_url.is_some() && mail_from.is_none() {
            return Err(ConfigError(
                "CARILLON_MAIL_FROM is needed with CARILLON_SMTP_URL; set it to the address that \
                 emails come from, such as Carillon <carillon@example.com>"
                    .to_owned(),
            ));
        }
        Ok(Self {
            database_url: vars.parse("DATABASE_URL", setting_parsers::database_url)?,
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
            max_connections: vars.parse("CARILLON_MAX_CONNECTIONS", |text| {
                setting_parsers::count(text, 16, 100_000)
            })?,
            connections_per_caller: vars.parse_or(
                "CARILLON_CONNECTIONS_PER_CALLER",
                |text| setting_parsers::count(text, 8, 100_000),
                "1000",
            )?,
            request_timeout: vars.parse_or(
                "CARILLON_REQUEST_TIMEOUT",
                setting_parsers::seconds,
                "10",
            )?,
            secret_key: vars.parse("CARILLON_SECRET_KEY", |text| {
                SecretKey::parse(text).map_err(|error| error.to_string())
            })?,
            data_dir: match vars.parse("CARILLON_DATA_DIR", setting_parsers::directory)? {
                Some(directory) => directory,
                None => setting_parsers::default_data_dir(vars)?,
            },
            twilio_api_url: vars.parse("CARILLON_TWILIO_API_URL", setting_parsers::api_url)?,
            smtp_url,
            mail_from,
            worker_concurrency: vars.parse_or(
                "CARILLON_WORKER_CONCURRENCY",
                |text| setting_parsers::count(text, 1, 10_000),
                "256",
            )?,
            database_connections: vars.parse_or(
                "CARILLON_DATABASE_CONNECTIONS",
                |text| setting_parsers::count(text, 2, 180),
                "20",
            )?,
            log: vars.parse_or("CARILLON_LOG", setting_parsers::log_filter, "info")?,
            log_format: vars.parse_or(
                "CARILLON_LOG_FORMAT",
                setting_parsers::log_format,
                "text",
            )?,
            simulator_bind: vars.parse_or(
                "CARILLON_SIMULATOR_BIND",
                setting_parsers::address,
                "127.0.0.1:8090",
            )?,
            origins,
        })
    }

    /// Turns this into the configuration of the demo: the simulator in place of Twilio, and only
    /// the embedded database. Returns whether a database was configured.
    pub fn for_demo(&mut self, simulator: Url) -> bool {
        self.twilio_api_url = Some(simulator);
        self.origins.insert("CARILLON_TWILIO_API_URL", SettingOrigin::Command);
        self.origins.remove("DATABASE_URL");
        self.database_url.take().is_some()
    }

    /// Whether this is the configuration of the demo.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.origins.get("CARILLON_TWILIO_API_URL") == Some(&SettingOrigin::Command)
    }
}

/// Adds the origin to pairs of name and value.
pub(super) fn with_origin<I, N, V>(
    origin: SettingOrigin,
    vars: I,
) -> BTreeMap<String, (SettingOrigin, String)>
where
    I: IntoIterator<Item = (N, V)>,
    N: Into<String>,
    V: Into<String>,
{
    vars.into_iter().map(|(name, value)| (name.into(), (origin, value.into()))).collect()
}

/// The variables of a `.env` file; empty if there is no such file.
pub(super) fn dotenv(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let shown = path.display();
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::IsADirectory => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(ConfigError(format!("the file {shown} cannot be read: {error}"))),
    };
    let mut vars = BTreeMap::new();
    let mut position = "at its start".to_owned();
    for line in lines {
        // The line itself is left out: it may hold a secret.
        let bad = |_| {
            ConfigError(format!(
                "the file {shown} has a line that cannot be read {position}; write NAME=value, with \
                 quotes around blanks"
            ))
        };
        let (name, value) = line.map_err(bad)?;
        position = format!("after {name}");
        vars.insert(name, value);
    }
    Ok(vars)
}
