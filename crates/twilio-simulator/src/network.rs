//! The wire to the webhooks: signed calls with Twilio's headers, time limits and retries.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use super::clock::Clock;
use super::options::{Method, SimulatorOptions};
use super::signature;
use super::world::CallbackAttempt;

/// Calls webhooks, a limited number at a time.
pub(super) struct Network {
    client: reqwest::Client,
    under_way: Semaphore,
    retry_pause: Duration,
    clock: Clock,
}

/// A webhook to call.
#[derive(Clone)]
pub(super) struct Call {
    /// As configured: the fragment holds Twilio's connection settings and is neither sent nor
    /// signed.
    pub(super) url: String,
    pub(super) method: Method,
    pub(super) params: Vec<(String, String)>,
    pub(super) auth_token: String,
    /// The message that it is about, for the log.
    pub(super) message_sid: String,
    /// The same on every try of this callback, so that the receiver can tell a repeat.
    pub(super) idempotency_token: String,
    /// The status that it reports, for the log.
    pub(super) status: &'static str,
}

/// How a call ended.
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    pub(super) body: String,
    pub(super) error: Option<String>,
}

impl Network {
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
            under_way: Semaphore::new(options.callback_concurrency.max(1)),
            retry_pause: options.retry_pause,
            clock: options.clock.clone(),
        }
    }

    /// Calls a webhook, repeats it as the URL's fragment asks for, and notes each try.
    pub(super) async fn call(&self, call: &Call, note: impl Fn(CallbackAttempt)) -> Answer {
        let policy = Policy::of(&call.url);
        let url = call.url.split('#').next().unwrap_or_default();
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let left = policy.total.saturating_sub(started.elapsed());
            let (answer, failure) = self.once(call, url, policy.read.min(left)).await;
            note(CallbackAttempt {
                at: self.clock.now(),
                url: url.to_owned(),
                message_sid: call.message_sid.clone(),
                status: call.status,
                attempt,
                idempotency_token: call.idempotency_token.clone(),
                answer: answer.status,
                error: answer.error.clone(),
            });
            let again = failure.is_some_and(|failure| policy.repeats(failure))
                && attempt <= policy.retries
                && started.elapsed() + self.retry_pause < policy.total;
            if !again {
                return answer;
            }
            attempt += 1;
            if !self.retry_pause.is_zero() {
                tokio::time::sleep(self.retry_pause).await;
            }
        }
    }

    async fn once(&self, call: &Call, url: &str, limit: Duration) -> (Answer, Option<Failure>) {
        let Ok(_permit) = self.under_way.acquire().await else {
            return (
                Answer { status: None, body: String::new(), error: Some("closed".into()) },
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
            .timeout(limit)
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
                (Answer { status: Some(status), body, error: None }, failure)
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
                    Answer { status: None, body: String::new(), error: Some(reason.into()) },
                    Some(failure),
                )
            }
        }
    }
}

/// What went wrong with one try.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Connect,
    Read,
    Client,
    Server,
}

/// Twilio's connection settings, read from the fragment of a URL: `#rc=5&rp=all`.
struct Policy {
    retries: u32,
    on: Vec<Failure>,
    read: Duration,
    total: Duration,
}

impl Policy {
    fn of(url: &str) -> Self {
        const MAX_LENGTH: u64 = 15_000;
        let mut policy = Self {
            retries: 1,
            on: vec![Failure::Connect],
            read: Duration::from_millis(MAX_LENGTH),
            total: Duration::from_millis(MAX_LENGTH),
        };
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        let millis = |value: &str| {
            value.parse().ok().map(|ms: u64| Duration::from_millis(ms.clamp(100, MAX_LENGTH)))
        };
        for (key, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "rc" => policy.retries = value.parse().unwrap_or(1).min(5),
                "rp" => policy.on = value.split(',').flat_map(Failure::named).copied().collect(),
                "rt" => policy.read = millis(value).unwrap_or(policy.read),
                "tt" => policy.total = millis(value).unwrap_or(policy.total),
                _ => {}
            }
        }
        policy
    }

    fn repeats(&self, failure: Failure) -> bool {
        self.on.contains(&failure)
    }
}

impl Failure {
    fn named(name: &str) -> &'static [Self] {
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

/// TLS with *ring*, whatever the process default is; without root certificates only http webhooks
/// work.
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

/// A client for the tests of this module: the real one, without the network's limits.
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

    use super::{Failure, Policy};

    #[test]
    fn the_fragment_decides_about_retries() {
        let policy = Policy::of("http://x/hook#rc=5&rp=all&tt=3000");
        assert_eq!((policy.retries, policy.total), (5, Duration::from_secs(3)));
        assert!(
            policy.repeats(Failure::Server)
                && policy.repeats(Failure::Client)
                && policy.repeats(Failure::Connect)
        );
    }

    #[test]
    fn without_a_fragment_only_a_failed_connection_is_tried_again_once() {
        let policy = Policy::of("http://x/hook");
        assert_eq!(policy.retries, 1);
        assert!(policy.repeats(Failure::Connect) && !policy.repeats(Failure::Server));
    }
}
