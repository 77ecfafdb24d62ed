//! The HTTP client: one connection pool for all connections, and what became of each exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Body, Method, Request, RequestBuilder, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::Url;

use super::credentials::Credentials;
use super::exchange::{Exchange, ExchangeError, Reply};
use super::timely::Timely;
use crate::types::deadline::Deadline;

/// How to reach Twilio.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Another server in Twilio's place for all its APIs, e.g. the simulator at
    /// `http://127.0.0.1:8090`.
    pub api_url: Option<Url>,
    /// Until the connection stands.
    pub connect_timeout: Duration,
    /// Until the answer is read whole, connecting included; longer than `connect_timeout`.
    pub timeout: Duration,
    /// Connections that are kept alive, as many as requests run at the same time.
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

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none that HTTP can use.
    #[error("the Twilio API address must begin with http:// or https:// and name a host")]
    Address,
    /// The certificates of this machine, or the TLS library.
    #[error("TLS could not be set up ({0}): install the package ca-certificates")]
    Tls(#[from] rustls::Error),
    /// The HTTP library.
    #[error("the HTTP client could not be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// A client of Twilio's APIs; cheap to clone. Its connections end with the runtimes of those who
/// opened them.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    api: Url,
    messaging: Url,
    timeout: Duration,
}

/// Which of Twilio's hosts.
#[derive(Clone, Copy)]
pub(super) enum Api {
    Main,
    Messaging,
}

/// Pages of messages are about 1 MB; what is larger than this is no answer of Twilio's.
const MAX_BODY: usize = 16 << 20;
/// Servers close idle connections; leaving first avoids writing a request into a closing one, whose
/// fate is unknown.
const KEEP_IDLE: Duration = Duration::from_secs(15);

impl Client {
    /// Makes the client. Fails on an address that is not HTTP, or without root certificates when
    /// TLS is needed.
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
            .pool_idle_timeout(KEEP_IDLE)
            .redirect(redirect::Policy::none())
            // Whether to send a message again is never the transport's decision.
            .retry(retry::never());
        if is_loopback(&api) {
            http = http.no_proxy();
        }
        Ok(Self { http: http.build()?, api, messaging, timeout: options.timeout })
    }

    /// Whether it is Twilio itself that answers, and no other server in its place.
    #[must_use]
    pub fn is_of_twilio(&self) -> bool {
        self.api.host_str().is_some_and(|host| host.ends_with(".twilio.com"))
    }

    /// The address that a path of this API has.
    pub(super) fn url(&self, api: Api, path: &str) -> Url {
        let mut url = self.base(api).clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }

    /// The address of a next page: its path and query, but always on the host that this client was
    /// made for, so that keys go nowhere else.
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

    /// Posts a form before a moment, or not at all: once that has passed, not a byte of the form is
    /// given to the network.
    pub(super) async fn post_before(
        &self,
        moment: Deadline,
        credentials: &Credentials,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<Reply, ExchangeError> {
        let begun = Instant::now();
        let late = |begun: Instant| ExchangeError::TooLate {
            exchange: Exchange::without_answer(begun.elapsed()),
        };
        if moment.has_passed() {
            return Err(late(begun));
        }
        let (user, password) = credentials.basic();
        let request = self
            .http
            .request(Method::POST, url)
            .form(form)
            .basic_auth(user, Some(password))
            .build();
        let mut request = request.map_err(|error| self.broken(&error, Exchange::default()))?;
        let (body, handed) =
            Timely::new(request.body().and_then(Body::as_bytes).unwrap_or_default(), moment);
        *request.body_mut() = Some(Body::wrap(body));
        match self.execute(request, begun).await {
            Ok(reply) => Ok(reply),
            Err(_) if handed.was_withheld() => Err(late(begun)),
            // Whatever came of it: the other side cannot have the whole of it.
            Err(ExchangeError::NoAnswer { why, exchange }) if !handed.was_given() => {
                Err(ExchangeError::NotSent { why, exchange })
            }
            Err(broken) => Err(broken),
        }
    }

    /// Opens a connection and leaves it open for the next request.
    pub(super) async fn connect(&self) {
        // Whether there is anything at this address is of no interest.
        if let Ok(answer) = self.http.get(self.url(Api::Main, "/2010-04-01")).send().await {
            let _ = answer.bytes().await;
        }
    }

    async fn exchange(
        &self,
        credentials: &Credentials,
        request: RequestBuilder,
    ) -> Result<Reply, ExchangeError> {
        let begun = Instant::now();
        let (user, password) = credentials.basic();
        match request.basic_auth(user, Some(password)).build() {
            Ok(request) => self.execute(request, begun).await,
            Err(error) => Err(self.broken(&error, Exchange::default())),
        }
    }

    async fn execute(&self, request: Request, begun: Instant) -> Result<Reply, ExchangeError> {
        let mut response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                return Err(self.broken(&error, Exchange::without_answer(begun.elapsed())));
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
            exchange.duration = begun.elapsed();
            match chunk {
                Ok(Some(bytes)) if body.len() + bytes.len() <= MAX_BODY => {
                    body.extend_from_slice(&bytes);
                }
                Ok(Some(_)) => {
                    return Err(ExchangeError::NoAnswer {
                        why: "the answer was too large".to_owned(),
                        exchange,
                    });
                }
                Ok(None) => return Ok(Reply { body, http_status, exchange }),
                // A refusal is a refusal, whatever happened to its explanation.
                Err(_) if (400..500).contains(&http_status) => {
                    return Ok(Reply { body, http_status, exchange });
                }
                Err(error) => return Err(self.broken(&error, exchange)),
            }
        }
    }

    fn broken(&self, error: &reqwest::Error, exchange: Exchange) -> ExchangeError {
        // An error while connecting, or while building the request, precedes the first byte of it.
        if error.is_connect() || error.is_builder() {
            return ExchangeError::NotSent { why: why(error), exchange };
        }
        let why = if error.is_timeout() {
            format!("no answer within {} seconds", self.timeout.as_secs_f32())
        } else {
            why(error)
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

/// TLS by ring, the program's one crypto provider, with the machine's certificates. Without TLS
/// (the simulator on this machine) no certificates are needed, and their absence is no error.
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

/// The innermost cause; the outer ones repeat the URL, which can hold phone numbers.
pub(super) fn why(error: &reqwest::Error) -> String {
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
    fn by_default_it_talks_to_twilio() {
        let client = Client::new(&ClientOptions::default()).unwrap();
        assert_eq!(client.url(Api::Main, "/a").as_str(), "https://api.twilio.com/a");
        assert_eq!(
            client.url(Api::Messaging, "/v1/Services").as_str(),
            "https://messaging.twilio.com/v1/Services"
        );
    }

    #[test]
    fn another_address_takes_the_place_of_all_hosts() {
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
