//! The client for webhooks: signed calls with Twilio's headers, timeouts and retries.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use super::clock::Clock;
use super::options::SimulatorOptions;
use super::resources::Method;
use super::signature;
use super::world::CallbackAttempt;

/// The HTTP client for webhooks, with a concurrency limit.
pub(super) struct WebhookClient {
    client: reqwest::Client,
    permits: Semaphore,
    retry_pause: Duration,
    clock: Clock,
}

/// A webhook call.
#[derive(Clone)]
pub(super) struct Call {
    /// The configured URL; its fragment holds connection settings and is neither sent nor signed.
    pub(super) url: String,
    pub(super) method: Method,
    pub(super) params: Vec<(String, String)>,
    pub(super) auth_token: String,
    /// The SID of the reported message, for the log.
    pub(super) message_sid: String,
    /// Identical for all attempts of one callback, so that the receiver can detect repeats.
    pub(super) idempotency_token: String,
    /// The reported status, for the log.
    pub(super) status: &'static str,
}

/// The result of a webhook call.
pub(super) struct WebhookResponse {
    pub(super) status: Option<u16>,
    pub(super) body: String,
    pub(super) error: Option<String>,
}

impl WebhookClient {
    pub(super) fn new(options: &SimulatorOptions) -> Self {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::limited(5))
            .pool_max_idle_per_host(options.callback_concurrency)
            .user_agent("TwilioProxy/1.1")
            .no_proxy()
            .build()
            .expect("the client's settings are constant and valid");
        Self {
            client,
            permits: Semaphore::new(options.callback_concurrency.max(1)),
            retry_pause: options.retry_pause,
            clock: options.clock.clone(),
        }
    }

    /// Calls a webhook with the retries that the URL's fragment configures, and records each
    /// attempt.
    pub(super) async fn call(
        &self,
        call: &Call,
        record: impl Fn(CallbackAttempt),
    ) -> WebhookResponse {
        let policy = RetryPolicy::of(&call.url);
        let url = call.url.split('#').next().unwrap_or_default();
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let left = policy.total_timeout.saturating_sub(started.elapsed());
            let timeout = policy.read_timeout.min(left);
            let (response, failure) = self.call_once(call, url, timeout).await;
            record(CallbackAttempt {
                at: self.clock.now(),
                url: url.to_owned(),
                message_sid: call.message_sid.clone(),
                status: call.status,
                attempt,
                idempotency_token: call.idempotency_token.clone(),
                answer: response.status,
                error: response.error.clone(),
            });
            let retry = failure.is_some_and(|failure| policy.retries_on(failure))
                && attempt <= policy.max_retries
                && started.elapsed() + self.retry_pause < policy.total_timeout;
            if !retry {
                return response;
            }
            attempt += 1;
            if !self.retry_pause.is_zero() {
                tokio::time::sleep(self.retry_pause).await;
            }
        }
    }

    async fn call_once(
        &self,
        call: &Call,
        url: &str,
        timeout: Duration,
    ) -> (WebhookResponse, Option<Failure>) {
        let Ok(_permit) = self.permits.acquire().await else {
            return (
                WebhookResponse { status: None, body: String::new(), error: Some("closed".into()) },
                None,
            );
        };
        let request = match call.method {
            Method::Post => {
                let signature = signature::sign(&call.auth_token, url, &call.params);
                self.client.post(url).form(&call.params).header("X-Twilio-Signature", signature)
            }
            Method::Get => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.extend_pairs(&call.params);
                let separator = if url.contains('?') { '&' } else { '?' };
                let url = format!("{url}{separator}{}", query.finish());
                let signature = signature::sign(&call.auth_token, &url, &[]);
                self.client.get(url).header("X-Twilio-Signature", signature)
            }
        };
        let sent = request
            .header("I-Twilio-Idempotency-Token", &call.idempotency_token)
            .header("Accept", "*/*")
            .timeout(timeout)
            .send();
        match sent.await {
            Ok(response) => {
                let status = response.status().as_u16();
                let failure = match status {
                    400..=499 => Some(Failure::Client),
                    500.. => Some(Failure::Server),
                    _ => None,
                };
                let body = response.text().await.unwrap_or_default();
                (WebhookResponse { status: Some(status), body, error: None }, failure)
            }
            Err(error) => {
                let (failure, reason) = if error.is_connect() {
                    (Failure::Connect, "no connection")
                } else if error.is_timeout() {
                    (Failure::Read, "no answer in time")
                } else {
                    (Failure::Read, "the connection broke")
                };
                debug!(message.sid = call.message_sid, %reason, "webhook failed");
                (
                    WebhookResponse {
                        status: None,
                        body: String::new(),
                        error: Some(reason.into()),
                    },
                    Some(failure),
                )
            }
        }
    }
}

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Connect,
    Read,
    Client,
    Server,
}

/// Twilio's connection settings, parsed from the fragment of a URL: `#rc=5&rp=all`.
struct RetryPolicy {
    max_retries: u32,
    retry_on: Vec<Failure>,
    read_timeout: Duration,
    total_timeout: Duration,
}

impl RetryPolicy {
    fn of(url: &str) -> Self {
        const MAX_TIMEOUT_MS: u64 = 15_000;
        let mut policy = Self {
            max_retries: 1,
            retry_on: vec![Failure::Connect],
            read_timeout: Duration::from_millis(MAX_TIMEOUT_MS),
            total_timeout: Duration::from_millis(MAX_TIMEOUT_MS),
        };
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        let millis = |value: &str| {
            value.parse().ok().map(|ms: u64| Duration::from_millis(ms.clamp(100, MAX_TIMEOUT_MS)))
        };
        for (key, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "rc" => policy.max_retries = value.parse().unwrap_or(1).min(5),
                "rp" => {
                    policy.retry_on =
                        value.split(',').flat_map(Failure::from_name).copied().collect();
                }
                "rt" => policy.read_timeout = millis(value).unwrap_or(policy.read_timeout),
                "tt" => policy.total_timeout = millis(value).unwrap_or(policy.total_timeout),
                _ => {}
            }
        }
        policy
    }

    fn retries_on(&self, failure: Failure) -> bool {
        self.retry_on.contains(&failure)
    }
}

impl Failure {
    fn from_name(name: &str) -> &'static [Self] {
        match name {
            "4xx" => &[Self::Client],
            "5xx" => &[Self::Server],
            "ct" => &[Self::Connect],
            "rt" => &[Self::Read],
            "all" => &[Self::Client, Self::Server, Self::Connect, Self::Read],
            _ => &[],
        }
    }
}

/// The TLS settings, with *ring* regardless of the process default. Without root certificates, only
/// http webhooks work.
fn tls() -> ClientConfig {
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
    };
    match builder().with_platform_verifier() {
        Ok(config) => config.with_no_client_auth(),
        Err(_) => builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    }
}

/// An HTTP client for tests, without timeouts and redirects.
#[cfg(test)]
pub(super) fn test_client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("the client's settings are constant and valid")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Failure, RetryPolicy};

    #[test]
    fn the_fragment_configures_retries() {
        let policy = RetryPolicy::of("http://x/hook#rc=5&rp=all&tt=3000");
        assert_eq!((policy.max_retries, policy.total_timeout), (5, Duration::from_secs(3)));
        assert!(
            policy.retries_on(Failure::Server)
                && policy.retries_on(Failure::Client)
                && policy.retries_on(Failure::Connect)
        );
    }

    #[test]
    fn without_a_fragment_only_a_failed_connection_is_retried_once() {
        let policy = RetryPolicy::of("http://x/hook");
        assert_eq!(policy.max_retries, 1);
        assert!(policy.retries_on(Failure::Connect) && !policy.retries_on(Failure::Server));
    }
}
