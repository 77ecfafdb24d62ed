//! Configuration from environment variables, each documented at its field.

mod key_file;
mod parse;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::types::network::TrustedProxies;
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;

pub use settings::{SETTINGS, Secrecy, Setting, help_text, markdown};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people, coloured on a terminal.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has set it.
    Default,
    /// `.env` in the directory in which the program was started.
    EnvFile,
    /// The environment of the program.
    Environment,
    /// An argument of the program, or what the command is there for.
    Command,
}

/// A setting as it holds now, for showing.
#[derive(Debug, Clone)]
pub struct InEffect {
    /// The setting.
    pub setting: Setting,
    /// Its value: passwords and keys masked.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// A setting that cannot be used: one line that names it, what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Declares [`Config`] and [`SETTINGS`] from one list, so that a setting cannot exist without its
/// documentation.
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:literal, default $default:literal, $secrecy:ident;
        $field:ident: $type:ty
    ),+ $(,)?) => {
        /// Everything that can be set from outside, parsed and checked.
        #[derive(Clone)]
        pub struct Config {$(
            $(#[doc = $doc])+
            #[doc = concat!("\n\nSet by `", $name, "`; default: ", $default, ".")]
            pub $field: $type,
        )+
            /// Where each setting comes from, by name; the default where it is not named.
            pub(super) origins: BTreeMap<&'static str, Origin>,
        }

        /// Every setting in the order in which a person meets it.
        pub(super) const ALL: &[crate::config::settings::Setting] = &[$(
            crate::config::settings::Setting {
                name: $name,
                default: $default,
                about: concat!($($doc),+),
                secrecy: crate::config::settings::Secrecy::$secrecy,
            },
        )+];
    };
}

mod declared {
    //! The list of settings.

    use super::{
        BTreeMap, Duration, LogFormat, NonZeroUsize, Origin, PathBuf, PublicUrl, SecretKey,
        SecretString, SocketAddr, TrustedProxies, Url,
    };

    settings! {
        /// The PostgreSQL to use, such as
        /// `postgres://carillon:password@db.internal/carillon?sslmode=verify-full`. Without it, a
        /// PostgreSQL of Carillon's own is started from the installed binaries, in the data
        /// directory. Several hosts with failover, and poolers: `docs/database.md`.
        "DATABASE_URL", default "a PostgreSQL of its own", Url;
        database_url: Option<SecretString>,

        /// Address and port that pages, API and hooks are served on. Set `0.0.0.0:8080` to be
        /// reached from other machines.
        "CARILLON_BIND", default "127.0.0.1:8080", Shown;
        bind: SocketAddr,

        /// The address under which Twilio and people reach this server, such as
        /// `https://sms.example.com`; a path prefix is allowed. Twilio signs its calls over it, so
        /// it must be exactly what Twilio calls.
        "CARILLON_PUBLIC_URL", default "http:// and CARILLON_BIND", Shown;
        public_url: PublicUrl,

        /// The reverse proxies in front of Carillon: addresses and networks such as
        /// `127.0.0.1, 10.0.0.0/8, fd00::/8`. Only from these are `X-Forwarded-For` and `Forwarded`
        /// believed; they say who calls, so that the failed log-ins of one person do not slow down
        /// all others. Behind a proxy on the same machine set `127.0.0.1, ::1`; in Docker, set the
        /// network that proxy and Carillon share, as `docker network inspect` names it. Caddy and
        /// Traefik send `X-Forwarded-For` by themselves; nginx needs `proxy_set_header
        /// X-Forwarded-For $proxy_add_x_forwarded_for;`. Without this setting, every caller is the
        /// other end of its connection.
        "CARILLON_TRUSTED_PROXIES", default "none", Shown;
        trusted_proxies: TrustedProxies,

        /// How many connections pages, API and hooks accept at once, 16 to 100,000. At the limit,
        /// those go first that wait longest for the rest of a request or for the next one; the last
        /// eighth is for Twilio's calls alone.
        "CARILLON_MAX_CONNECTIONS", default "half of the open files that the system allows, at \
                                             most 10,000", Shown;
        max_connections: Option<NonZeroUsize>,

        /// How many of them one caller may have, 8 to 100,000: an IPv4 address, or an IPv6 network
        /// of 64 bits. Trusted proxies may have all.
        "CARILLON_CONNECTIONS_PER_CALLER", default "1000", Shown;
        connections_per_caller: NonZeroUsize,

        /// How many seconds a request may stand still while it arrives, 1 to 600. Beyond this time
        /// it must arrive with at least 1 kB a second, and be complete after twelve times as long.
        /// An answer that is not read may stand still three times as long.
        "CARILLON_REQUEST_TIMEOUT", default "10", Shown;
        request_timeout: Duration,

        /// Seals the Twilio keys in the database: 32 random bytes in base64 or hex
        /// (`openssl rand -base64 32`). Every process needs the same. Without it, a key is made
        /// once and kept in `secret.key` in the data directory: keep a copy of it beside your
        /// database backups.
        "CARILLON_SECRET_KEY", default "the file secret.key in the data directory", Hidden;
        secret_key: Option<SecretKey>,

        /// Where the embedded PostgreSQL, its log and the generated key live.
        "CARILLON_DATA_DIR", default "/var/lib/carillon for root, else \
                                      ~/.local/share/carillon", Shown;
        data_dir: PathBuf,

        /// Another server to send to instead of Twilio: the simulator, or a double of Twilio in
        /// tests.
        "CARILLON_TWILIO_API_URL", default "Twilio's own", Shown;
        twilio_api_url: Option<Url>,

        /// How many jobs one worker process performs at once, 1 to 10,000.
        "CARILLON_WORKER_CONCURRENCY", default "256", Shown;
        worker_concurrency: NonZeroUsize,

        /// How many connections to PostgreSQL one process shares at most, 2 to 180; it opens up to
        /// three more for what must not wait.
        "CARILLON_DATABASE_CONNECTIONS", default "20", Shown;
        database_connections: NonZeroUsize,

        /// What is logged: a level (`error`, `warn`, `info`, `debug`) or a filter such as
        /// `info,carillon::messages=debug`.
        "CARILLON_LOG", default "info", Shown;
        log: String,

        /// How log lines are written: `text` or `json`.
        "CARILLON_LOG_FORMAT", default "text", Shown;
        log_format: LogFormat,

        /// Address and port of the Twilio simulator, for `carillon demo` and `carillon simulator`.
        "CARILLON_SIMULATOR_BIND", default "127.0.0.1:8090", Shown;
        simulator_bind: SocketAddr,
    }
}

pub use declared::Config;

impl Config {
    /// Reads the environment, and `.env` in the current directory for what the environment does not
    /// set; `overrides` win over both.
    pub fn load(
        overrides: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = from(Origin::EnvFile, parse::dotenv(Path::new(".env"))?);
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => drop(vars.insert(name.to_owned(), (Origin::Environment, value))),
                Err(_) if settings::is_ours(name) => {
                    return Err(ConfigError(format!("{name} is not valid UTF-8; write it anew")));
                }
                Err(_) => {}
            }
        }
        vars.extend(from(Origin::Command, overrides));
        Self::parse(vars)
    }

    /// Reads settings from pairs of name and value, as if they were the environment; names that are
    /// not Carillon's are ignored, and so are empty values.
    pub fn from_vars<I, N, V>(vars: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        Self::parse(from(Origin::Environment, vars))
    }

    fn parse(vars: BTreeMap<String, (Origin, String)>) -> Result<Self, ConfigError> {
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

    /// The key that seals secrets: the one that is set, else that of the data directory's
    /// `secret.key`, which is made if it is missing.
    pub fn secret_key(&self) -> Result<SecretKey, ConfigError> {
        match &self.secret_key {
            Some(key) => Ok(key.clone()),
            None => key_file::load_or_create(&self.data_dir),
        }
    }

    /// Makes this the configuration of the demo: the simulator in place of Twilio, and no database
    /// but its own. Tells whether one was set.
    pub fn for_demo(&mut self, simulator: Url) -> bool {
        self.twilio_api_url = Some(simulator);
        self.origins.insert("CARILLON_TWILIO_API_URL", Origin::Command);
        self.origins.remove("DATABASE_URL");
        self.database_url.take().is_some()
    }

    /// Every setting as it holds now, for showing.
    pub fn in_effect(&self) -> Vec<InEffect> {
        let origin = |name: &str| self.origins.get(name).copied().unwrap_or(Origin::Default);
        let one = |(setting, (name, value)): (&Setting, (&str, String))| InEffect {
            setting: *setting,
            value,
            origin: origin(name),
        };
        SETTINGS.iter().zip(self.masked()).map(one).collect()
    }

    /// Name and value of each setting, for showing: passwords and keys masked.
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

/// Pairs of name and value with where they come from.
fn from<I, N, V>(origin: Origin, vars: I) -> BTreeMap<String, (Origin, String)>
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
