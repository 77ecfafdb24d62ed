//! Where the database is and how it is reached: `DATABASE_URL` as libpq reads it, with or without
//! TLS.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Conn, Unavailable};

/// How long connecting to a host, or waiting for a connection, may take before the database counts
/// as unavailable; normally it takes milliseconds.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// A PostgreSQL database, and how to connect to it.
#[derive(Clone)]
pub struct Target {
    config: tokio_postgres::Config,
    tls: Tls,
    /// Created on first use, since reading the system's certificates is slow.
    connector: Arc<OnceLock<MakeRustlsConnect>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// Unix sockets, or `sslmode=disable`.
    None,
    /// `sslmode=prefer`, the default: encrypted when the server offers it, its certificate not
    /// checked (as libpq does).
    Opportunistic,
    /// `sslmode=require` and stricter: always encrypted, certificate and host name checked against
    /// the system's certificates.
    Verified,
}

/// Makes PostgreSQL end a transaction that is idle for half a minute: its machine is suspended or
/// cut off, and all others would wait for its locks until it wakes.
const SET_IDLE_TIMEOUT: &str = "SET idle_in_transaction_session_timeout = '30s'";

/// Why a text is not a [`Target`]; never repeats the text, which may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not a PostgreSQL address ({0}); write it like postgres://user:password@host/database?sslmode=require"
)]
pub struct TargetError(String);

impl Target {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`,
    /// `postgres:///database?host=/socket/directory`, or `key=value` pairs.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if !is_url && (text.contains("://") || !text.contains('=')) {
            return Err(TargetError(
                "it starts neither with postgres:// nor with key=value pairs".to_owned(),
            ));
        }
        let (text, mode) = take_parameter(text, "sslmode=");
        // The driver would read a list of hosts in the query as the name of one host.
        let (text, listed) = if is_url { take_parameter(&text, "host=") } else { (text, None) };
        let tls = match mode.as_deref() {
            Some("disable") => Tls::None,
            None | Some("allow" | "prefer") => Tls::Opportunistic,
            Some("require" | "verify-ca" | "verify-full") => Tls::Verified,
            Some(_) => {
                return Err(TargetError(
                    "sslmode is none of disable, prefer, require, verify-full".to_owned(),
                ));
            }
        };
        let mut config: tokio_postgres::Config =
            text.parse().map_err(|error: tokio_postgres::Error| TargetError(describe(&error)))?;
        for host in listed.iter().flat_map(|hosts| hosts.split(',')) {
            config.host(decode(host));
        }
        Ok(Self::new(config, tls))
    }

    /// A database of the server whose socket is in `directory`.
    pub(super) fn on_socket(directory: &std::path::Path, user: &str, database: &str) -> Self {
        let mut config = tokio_postgres::Config::new();
        config.host_path(directory).user(user).dbname(database);
        Self::new(config, Tls::None)
    }

    fn new(mut config: tokio_postgres::Config, tls: Tls) -> Self {
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path("/var/run/postgresql");
        }
        if config.get_application_name().is_none() {
            config.application_name("carillon");
        }
        if config.get_connect_timeout().is_none() {
            // One of several hosts may be down: the others need time within the overall timeout.
            config.connect_timeout(if host_count(&config) > 1 { TIMEOUT / 2 } else { TIMEOUT });
        }
        // TLS has no meaning on unix sockets, and the driver would need a host name to check.
        let sockets_only = config.get_hostaddrs().is_empty()
            && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let tls = if sockets_only { Tls::None } else { tls };
        config.ssl_mode(match tls {
            Tls::None => SslMode::Disable,
            Tls::Opportunistic => SslMode::Prefer,
            Tls::Verified => SslMode::Require,
        });
        Self { config, tls, connector: Arc::default() }
    }

    /// Another database of the same server.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(name);
        Self { config, tls: self.tls, connector: Arc::clone(&self.connector) }
    }

    /// The database's name; `None` when the server chooses it by the user.
    pub fn database(&self) -> Option<&str> {
        self.config.get_dbname()
    }

    /// The address as a URL, with `…` where it has a password.
    pub fn masked(&self) -> String {
        let password = if self.config.get_password().is_some() { ":…" } else { "" };
        let user =
            self.config.get_user().map(|user| format!("{user}{password}@")).unwrap_or_default();
        let sockets = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(directory) => directory.display().to_string(),
        });
        let hosts: Vec<String> =
            sockets.chain(self.config.get_hostaddrs().iter().map(ToString::to_string)).collect();
        let ports: Vec<String> =
            self.config.get_ports().iter().map(|port| format!(":{port}")).collect();
        let mode = match self.tls {
            Tls::None => "disable",
            Tls::Opportunistic => "prefer",
            Tls::Verified => "verify-full",
        };
        format!(
            "postgres://{user}{}{}/{}?sslmode={mode}",
            hosts.join(","),
            ports.join(","),
            self.database().unwrap_or_default()
        )
    }

    /// Opens a connection outside the pool, for uses that need a dedicated one (LISTEN, advisory
    /// locks).
    pub async fn connect(&self) -> Result<Conn, Unavailable> {
        self.with_timeout(async {
            let connected = match self.tls {
                Tls::None => {
                    let (client, connection) = self
                        .config
                        .connect(NoTls)
                        .await
                        .map_err(|error| self.connect_error(&error))?;
                    AsyncPgConnection::try_from_client_and_connection(client, connection).await
                }
                Tls::Opportunistic | Tls::Verified => {
                    let (client, connection) = self
                        .config
                        .connect(self.connector()?)
                        .await
                        .map_err(|error| self.connect_error(&error))?;
                    AsyncPgConnection::try_from_client_and_connection(client, connection).await
                }
            };
            let failed = |error: &dyn std::error::Error| Unavailable::new(self, error.to_string());
            let mut conn = connected.map_err(|error| failed(&error))?;
            conn.batch_execute(SET_IDLE_TIMEOUT).await.map_err(|error| failed(&error))?;
            Ok(conn)
        })
        .await
    }

    /// Like [`Self::connect`], but without diesel: nothing is prepared on the connection.
    pub(super) async fn connect_raw(&self) -> Result<Client, Unavailable> {
        self.with_timeout(async {
            match self.tls {
                Tls::None => {
                    let (client, connection) = self
                        .config
                        .connect(NoTls)
                        .await
                        .map_err(|error| self.connect_error(&error))?;
                    tokio::spawn(connection);
                    Ok(client)
                }
                Tls::Opportunistic | Tls::Verified => {
                    let (client, connection) = self
                        .config
                        .connect(self.connector()?)
                        .await
                        .map_err(|error| self.connect_error(&error))?;
                    tokio::spawn(connection);
                    Ok(client)
                }
            }
        })
        .await
    }

    /// How long connecting may take overall: each host has its own share, so that one that accepts
    /// packets but never answers does not use up the time of the others.
    pub(super) fn connect_timeout(&self) -> Duration {
        TIMEOUT * u32::try_from(host_count(&self.config)).unwrap_or(u32::MAX)
    }

    /// Bounds the time to connect. The driver's own timeout ends with the TCP connection, which a
    /// suspended server accepts without ever answering.
    async fn with_timeout<T>(
        &self,
        connecting: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Unavailable> {
        let limit = self.connect_timeout();
        let late = |_| {
            Unavailable::new(self, format!("it did not answer within {} seconds", limit.as_secs()))
        };
        tokio::time::timeout(limit, connecting).await.map_err(late)?
    }

    fn connect_error(&self, error: &tokio_postgres::Error) -> Unavailable {
        let reason = describe(error);
        let hint = "; its certificate is checked against the system’s, or those in the file that \
                    SSL_CERT_FILE names";
        let hint = if reason.contains("peer certificate") { hint } else { "" };
        Unavailable::new(self, format!("{reason}{hint}"))
    }

    fn connector(&self) -> Result<MakeRustlsConnect, Unavailable> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector.clone());
        }
        let failed =
            |error: rustls::Error| Unavailable::new(self, format!("TLS cannot be set up: {error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let config = if self.tls == Tls::Verified {
            builder.with_platform_verifier().map_err(failed)?.with_no_client_auth()
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth()
        };
        Ok(self.connector.get_or_init(|| MakeRustlsConnect::new(config)).clone())
    }
}

/// Host, port and database, for messages: neither user nor password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” at ", self.database().or(self.config.get_user()).unwrap_or("postgres"))?;
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => {
                write!(f, "{host}:{}", self.config.get_ports().first().unwrap_or(&5432))
            }
            Some(Host::Unix(directory)) => write!(f, "{}", directory.display()),
            None => {
                self.config.get_hostaddrs().first().map_or(Ok(()), |address| write!(f, "{address}"))
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// The number of hosts that an address names, at least 1.
fn host_count(config: &tokio_postgres::Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len()).max(1)
}

/// Extracts a parameter, such as `sslmode=`, from the text: the driver does not know all of libpq's
/// values.
fn take_parameter(text: &str, name: &str) -> (String, Option<String>) {
    let found =
        text.match_indices(name).find(|(at, _)| *at == 0 || text[..*at].ends_with(['?', '&', ' ']));
    let Some((start, _)) = found else { return (text.to_owned(), None) };
    let value = &text[start + name.len()..];
    let length = value.find(['&', ' ']).unwrap_or(value.len());
    let rest = &value[length..];
    let before = &text[..start];
    let joined = match rest.strip_prefix(['&', ' ']) {
        Some(rest) => format!("{before}{rest}"),
        None => before.trim_end_matches(['?', '&', ' ']).to_owned(),
    };
    (joined, Some(value[..length].trim_matches('\'').to_owned()))
}

/// Decodes the percent-encoding of a value in a URL, in which `+` stands for itself.
fn decode(value: &str) -> String {
    let pair = format!("={}", value.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// The text of the driver's error: that of its cause, which says what happened.
fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(refused), _) => refused.message().to_owned(),
        (None, Some(source)) => {
            let source = source.to_string();
            // A password with a `?` in it is read as an option: such “names” are not repeated.
            match source.strip_prefix("unknown option `").and_then(|rest| rest.strip_suffix('`')) {
                Some(name) if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                    "unknown option".to_owned()
                }
                _ => source,
            }
        }
        (None, None) => error.to_string(),
    }
}

/// Accepts every certificate: `sslmode=prefer` protects against eavesdroppers, not against
/// impostors.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
