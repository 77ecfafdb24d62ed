//! The HTTP client: one connection pool for all connections, and the outcome of each exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Body, Method, Request, RequestBuilder, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::Url;

use super::credentials::Credentials;
use super::deadline_body::DeadlineBody;
use super::exchange::{Exchange, ExchangeError, Reply};
use crate::types::deadline::Deadline;

/// Options of the client.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Base URL of a server in place of all of Twilio's APIs, such as the simulator at
    /// `http://127.0.0.1:8090`.
    pub api_url: Option<Url>,
    /// Timeout of connecting.
    pub connect_timeout: Duration,
    /// Timeout of the whole exchange, including connecting; longer than `connect_timeout`.
    pub timeout: Duration,
    /// Maximum number of idle connections: the maximum number of concurrent requests.
    pub max_in_flight: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            api_url: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_in_flight: 256,
        }
    }
}

/// Why the client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an HTTP URL.
    #[error("the Twilio API address must begin with http:// or https:// and name a host")]
    Address,
    /// Failure of the TLS library or of loading this machine's certificates.
    #[error("TLS could not be set up ({0}): install the package ca-certificates")]
    Tls(#[from] rustls::Error),
    /// Failure of the HTTP library.
    #[error("the HTTP client could not be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// A client of Twilio's APIs; cheap to clone. Each connection ends with the async runtime that
/// opened it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    api: Url,
    messaging: Url,
    timeout: Duration,
}

/// A host of Twilio's APIs.
#[derive(Clone, Copy)]
pub(super) enum Api {
    Main,
    Messaging,
}

/// Maximum size of a response: pages of messages are about 1 MB, so a larger one is not from
/// Twilio.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// How long an idle connection is kept: closing it before the server does avoids writing a request
/// into a closing connection, with an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

impl Client {
    /// Creates the client. Fails for a URL that is not HTTP, or without root certificates if TLS is
    /// needed.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let (api, messaging) = match &options.api_url {
            Some(url) => (url.clone(), url.clone()),
            None => (parse("https://api.twilio.com")?, parse("https://messaging.twilio.com")?),
        };
        if !matches!(api.scheme(), "http" | "https") || !api.has_host() {
            return Err(ClientError::Address);
        }
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(platform_tls(&api)?)
            .user_agent(concat!("carillon/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .pool_max_idle_per_host(options.max_in_flight)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            // The transport must never decide to send a message again.
            .retry(retry::never());
        if is_loopback(&api) {
            http = http.no_proxy();
        }
        Ok(Self { http: http.build()?, api, messaging, timeout: options.timeout })
    }

    /// Whether requests go to Twilio itself, not to a server in its place.
    #[must_use]
    pub fn talks_to_twilio(&self) -> bool {
        self.api.host_str().is_some_and(|host| host.ends_with(".twilio.com"))
    }

    /// The URL of a path of this API.
    pub(super) fn url(&self, api: Api, path: &str) -> Url {
        let mut url = self.base(api).clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }

    /// The URL of a next page: its path and query, but always on the configured host, so that keys
    /// go nowhere else.
    pub(super) fn next_page(&self, api: Api, uri: &str) -> Option<Url> {
        let found = self.base(api).join(uri).ok()?;
        let mut url = self.base(api).clone();
        url.set_path(found.path());
        url.set_query(found.query());
        Some(url)
    }

    pub(super) async fn get(
        &self,
        credentials: &Credentials,
        url: Url,
    ) -> Result<Reply, ExchangeError> {
        self.exchange(credentials, self.http.request(Method::GET, url)).await
    }

    pub(super) async fn post(
        &self,
        credentials: &Credentials,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<Reply, ExchangeError> {
        self.exchange(credentials, self.http.request(Method::POST, url).form(form)).await
    }

    /// Posts a form before `deadline` or not at all: after it, no byte of the form is passed to the
    /// network.
    pub(super) async fn post_before(
        &self,
        deadline: Deadline,
        credentials: &Credentials,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<Reply, ExchangeError> {
        let started = Instant::now();
        let late = |started: Instant| ExchangeError::TooLate {
            exchange: Exchange::without_answer(started.elapsed()),
        };
        if deadline.has_passed() {
            return Err(late(started));
        }
        let (user, password) = credentials.basic();
        let request = self
            .http
            .request(Method::POST, url)
            .form(form)
            .basic_auth(user, Some(password))
            .build();
        let mut request =
            request.map_err(|error| self.exchange_error(&error, Exchange::default()))?;
        let (body, state) = DeadlineBody::new(
            request.body().and_then(Body::as_bytes).unwrap_or_default(),
            deadline,
        );
        *request.body_mut() = Some(Body::wrap(body));
        match self.execute(request, started).await {
            Ok(reply) => Ok(reply),
            Err(_) if state.was_withheld() => Err(late(started)),
            // The body was never released, so the server cannot have the whole request.
            Err(ExchangeError::NoAnswer { why, exchange }) if !state.was_released() => {
                Err(ExchangeError::NotSent { why, exchange })
            }
            Err(exchange_error) => Err(exchange_error),
        }
    }

    /// Opens a connection and leaves it open for the next request.
    pub(super) async fn connect(&self) {
        // The response does not matter.
        if let Ok(answer) = self.http.get(self.url(Api::Main, "/2010-04-01")).send().await {
            let _ = answer.bytes().await;
        }
    }

    async fn exchange(
        &self,
        credentials: &Credentials,
        request: RequestBuilder,
    ) -> Result<Reply, ExchangeError> {
        let started = Instant::now();
        let (user, password) = credentials.basic();
        match request.basic_auth(user, Some(password)).build() {
            Ok(request) => self.execute(request, started).await,
            Err(error) => Err(self.exchange_error(&error, Exchange::default())),
        }
    }

    async fn execute(&self, request: Request, started: Instant) -> Result<Reply, ExchangeError> {
        let mut response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                return Err(
                    self.exchange_error(&error, Exchange::without_answer(started.elapsed()))
                );
            }
        };
        let http_status = response.status().as_u16();
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let mut exchange = Exchange {
            request_id: header("Twilio-Request-Id").map(str::to_owned),
            concurrent_requests: header("Twilio-Concurrent-Requests")
                .and_then(|value| value.parse().ok()),
            duration: Duration::ZERO,
        };
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            exchange.duration = started.elapsed();
            match chunk {
                Ok(Some(bytes)) if body.len() + bytes.len() <= MAX_ANSWER_BYTES => {
                    body.extend_from_slice(&bytes);
                }
                Ok(Some(_)) => {
                    return Err(ExchangeError::NoAnswer {
                        why: "the answer was too large".to_owned(),
                        exchange,
                    });
                }
                Ok(None) => return Ok(Reply { body, http_status, exchange }),
                // A 4xx status is a refusal even if its body is lost.
                Err(_) if (400..500).contains(&http_status) => {
                    return Ok(Reply { body, http_status, exchange });
                }
                Err(error) => return Err(self.exchange_error(&error, exchange)),
            }
        }
    }

    fn exchange_error(&self, error: &reqwest::Error, exchange: Exchange) -> ExchangeError {
        // Errors while building the request or connecting occur before its first byte is sent.
        if error.is_connect() || error.is_builder() {
            return ExchangeError::NotSent { why: innermost_cause(error), exchange };
        }
        let why = if error.is_timeout() {
            format!("no answer within {} seconds", self.timeout.as_secs_f32())
        } else {
            innermost_cause(error)
        };
        ExchangeError::NoAnswer { why, exchange }
    }

    fn base(&self, api: Api) -> &Url {
        match api {
            Api::Main => &self.api,
            Api::Messaging => &self.messaging,
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("api", &self.api.as_str()).finish_non_exhaustive()
    }
}

fn parse(url: &str) -> Result<Url, ClientError> {
    Url::parse(url).map_err(|_| ClientError::Address)
}

/// TLS configuration with ring, the only crypto provider, and this machine's certificates. Plain
/// HTTP (the local simulator) needs no certificates, so missing ones are not an error.
pub(super) fn platform_tls(api: &Url) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    if api.scheme() == "http" {
        return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    Ok(config.with_platform_verifier()?.with_no_client_auth())
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The innermost cause of an error; outer ones repeat the URL, which can contain phone numbers.
pub(super) fn innermost_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_dns() {
        return format!("the host name was not found ({cause})");
    }
    if error.is_timeout() && error.is_connect() {
        return "no connection in time".to_owned();
    }
    if std::error::Error::source(error).is_none() {
        "the request could not be made".to_owned()
    } else {
        cause.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(api_url: &str) -> Result<Client, ClientError> {
        Client::new(&ClientOptions {
            api_url: Some(Url::parse(api_url).unwrap()),
            ..ClientOptions::default()
        })
    }

    #[test]
    fn the_default_host_is_twilio() {
        let client = Client::new(&ClientOptions::default()).unwrap();
        assert_eq!(client.url(Api::Main, "/a").as_str(), "https://api.twilio.com/a");
        assert_eq!(
            client.url(Api::Messaging, "/v1/Services").as_str(),
            "https://messaging.twilio.com/v1/Services"
        );
    }

    #[test]
    fn a_configured_url_replaces_all_hosts() {
        let client = client("http://127.0.0.1:8090/twilio/").unwrap();
        assert_eq!(client.url(Api::Main, "/a").as_str(), "http://127.0.0.1:8090/twilio/a");
        assert_eq!(client.url(Api::Messaging, "/v1").as_str(), "http://127.0.0.1:8090/twilio/v1");
    }

    #[test]
    fn next_pages_stay_on_the_host_that_was_configured() {
        let client = client("http://127.0.0.1:8090").unwrap();
        let next = |uri| client.next_page(Api::Messaging, uri).unwrap().to_string();
        assert_eq!(next("/2010?Page=1"), "http://127.0.0.1:8090/2010?Page=1");
        assert_eq!(
            next("https://messaging.twilio.com/v1/S?PageToken=x"),
            "http://127.0.0.1:8090/v1/S?PageToken=x"
        );
        assert_eq!(next("//evil.example/v1"), "http://127.0.0.1:8090/v1");
    }

    #[test]
    fn an_address_that_is_not_http_is_refused() {
        assert!(matches!(client("ftp://example.com"), Err(ClientError::Address)));
        assert!(matches!(client("mailto:me@example.com"), Err(ClientError::Address)));
    }
}
