//! The list of settings, each with its documentation, its default and its field of [`Config`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::log_format::LogFormat;
use super::setting::{Secrecy, Setting, SettingOrigin};
use crate::mail::{MailFrom, SmtpUrl};
use crate::types::public_url::PublicUrl;
use crate::types::sealed::SecretKey;
use crate::types::trusted_proxies::TrustedProxies;

/// Declares [`Config`] and `SETTINGS` from one list, so that no setting exists without
/// documentation.
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:literal, default $default:literal, $secrecy:ident;
        $field:ident: $type:ty
    ),+ $(,)?) => {
        /// All settings, parsed and validated.
        #[derive(Clone)]
        pub struct Config {$(
            $(#[doc = $doc])+
            #[doc = concat!("\n\nSet by `", $name, "`; default: ", $default, ".")]
            pub $field: $type,
        )+
            /// The origin of each setting, by name; a setting that is missing here has its default.
            pub(super) origins: BTreeMap<&'static str, SettingOrigin>,
        }

        /// Every setting, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[$(
            Setting {
                name: $name,
                default: $default,
                about: concat!($($doc),+),
                secrecy: Secrecy::$secrecy,
            },
        )+];
    };
}

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
    /// A response that is not read may stand still three times as long.
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
    "CARILLON_TWILIO_API_URL", default "Twilio’s own", Shown;
    twilio_api_url: Option<Url>,

    /// The mail server that emails users a link when they forget their password, such as
    /// `smtps://user:password@mail.example.com`. `smtp://` encrypts with STARTTLS, or not at all
    /// with `?tls=none` at its end, for a server on the same machine or network. Percent-encode
    /// special characters in user and password, such as `%40` for `@`. The port is 465 for
    /// `smtps`, 587 for `smtp` and 25 without encryption, unless the URL has another. Without
    /// this setting, Carillon sends no email, and only admins create such links.
    "CARILLON_SMTP_URL", default "none", Url;
    smtp_url: Option<SmtpUrl>,

    /// The address that emails come from, such as `Carillon <carillon@example.com>`. Needed with
    /// `CARILLON_SMTP_URL`.
    "CARILLON_MAIL_FROM", default "none", Shown;
    mail_from: Option<MailFrom>,

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
