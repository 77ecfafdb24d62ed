//! Parsers of setting values. Every error completes a sentence that starts with the setting's name.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::error::ConfigError;
use super::log_format::LogFormat;

/// The variables that are set, by name; no value is empty.
#[derive(Clone, Copy)]
pub(super) struct Vars<'a>(pub(super) &'a BTreeMap<String, String>);

impl Vars<'_> {
    pub(super) fn parse<T>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.0
            .get(name)
            .map(|text| {
                parse(text)
                    .map_err(|problem| ConfigError(format!("{name} cannot be used: {problem}")))
            })
            .transpose()
    }

    pub(super) fn parse_or<T>(
        self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
        default: &str,
    ) -> Result<T, ConfigError> {
        match self.parse(name, &parse)? {
            Some(value) => Ok(value),
            None => parse(default).map_err(|problem| {
                ConfigError(format!("{name} has an unusable default, set it: {problem}"))
            }),
        }
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let bad =
        || format!("“{text}” is no address with a port; write it like 127.0.0.1:8080 or [::]:8080");
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    // Two common short forms.
    let port = text
        .strip_prefix("localhost:")
        .map(|port| (Ipv4Addr::LOCALHOST, port))
        .or_else(|| text.strip_prefix(':').map(|port| (Ipv4Addr::UNSPECIFIED, port)));
    let (host, port) = port.ok_or_else(bad)?;
    port.parse().map(|port| SocketAddr::from((host, port))).map_err(|_| bad())
}

pub(super) fn database_url(text: &str) -> Result<SecretString, String> {
    // This also validates parameters that only the pool uses. The error does not repeat the text,
    // which may contain a password.
    crate::db::Target::parse(text).map_err(|error| error.to_string())?;
    Ok(text.into())
}

pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    if text.starts_with('~') {
        return Err(format!(
            "“{text}”: the tilde is a matter of the shell; write the path in full"
        ));
    }
    std::path::absolute(text).map_err(|error| format!("“{text}”: {error}"))
}

pub(super) fn default_data_dir(vars: Vars<'_>) -> Result<PathBuf, ConfigError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/carillon"));
    }
    let absolute =
        |name: &str| vars.0.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("carillon"))
        .ok_or_else(|| {
            ConfigError(
                "CARILLON_DATA_DIR is needed, since there is no HOME; set it to a directory of \
                 your own"
                    .to_owned(),
            )
        })
}

pub(super) fn api_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        format!("it is not a URL ({error}); write it like http://127.0.0.1:8090")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("its scheme is {}; use http or https", url.scheme()));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("it may have only scheme, host, port and path".to_owned());
    }
    Ok(url)
}

pub(super) fn count(text: &str, least: usize, most: usize) -> Result<NonZeroUsize, String> {
    text.parse::<NonZeroUsize>()
        .ok()
        .filter(|count| (least..=most).contains(&count.get()))
        .ok_or_else(|| format!("“{text}” is no whole number from {least} to {most}"))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=600).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("“{text}” is no whole number of seconds from 1 to 600"))
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let looks_like_a_level = text.chars().all(|c| c.is_ascii_alphabetic());
    let is_a_level = ["off", "error", "warn", "info", "debug", "trace", "carillon"]
        .contains(&text.to_ascii_lowercase().as_str());
    if looks_like_a_level && !is_a_level {
        return Err(format!("“{text}” is no level; use error, warn, info, debug or trace"));
    }
    EnvFilter::try_new(text)
        .map_err(|error| format!("{error}; write it like info,carillon::messages=debug"))?;
    Ok(text.to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("“{text}” is neither text nor json")),
    }
}

/// A database URL without its password. It is built from what the driver has parsed: another parser
/// might mistake the password for something else, and show it.
pub(super) fn mask_password(url: &SecretString) -> String {
    crate::db::Target::parse(url.expose_secret())
        .map_or_else(|_| "set".to_owned(), |target| target.masked())
}
