//! Calls one of Carillon's own hooks as Twilio would: at its public address, signed, without
//! following redirects.

use std::time::{Duration, Instant};

use reqwest::header::LOCATION;
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::client::{ClientError, innermost_cause, is_loopback, platform_tls};
use super::signature;
use crate::types::storable_text;

/// Timeout of the call: Twilio waits 15 seconds for a webhook's response, so anything slower than
/// this is too slow.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of bytes to read: Carillon's own response is shorter, so a longer one is another
/// server's page.
const MAX_ANSWER_BYTES: usize = 1_000;

/// The hook's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAnswer {
    /// No response, for this reason.
    None(String),
    /// A redirect, which Twilio would follow by GET, losing the parameters.
    Redirected {
        /// Scheme and host of its target, if given.
        to: Option<String>,
    },
    /// A response.
    Answered {
        /// HTTP status.
        http_status: u16,
        /// First kilobyte of the body.
        body: String,
        /// Duration of the call.
        took: Duration,
    },
}

/// Posts `params` to `url`, signed with `token` if given.
///
/// # Errors
/// Fails without TLS, if this machine has no root certificates.
pub async fn call_hook(
    url: &str,
    token: Option<&SecretString>,
    params: &[(&str, &str)],
) -> Result<HookAnswer, ClientError> {
    let Ok(address) = Url::parse(url) else { return Err(ClientError::Address) };
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(platform_tls(&address)?)
        .user_agent(concat!("carillon/", env!("CARGO_PKG_VERSION"), " (test of a webhook)"))
        .http1_only()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none());
    if is_loopback(&address) {
        client = client.no_proxy();
    }
    let mut request = client.build()?.post(address).form(params);
    if let Some(token) = token {
        let bare = url.split('#').next().unwrap_or(url);
        request = request
            .header("X-Twilio-Signature", signature::sign(token.expose_secret(), bare, params));
    }
    let started = Instant::now();
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_timeout() => {
            return Ok(HookAnswer::None(format!("no answer within {} seconds", TIMEOUT.as_secs())));
        }
        Err(error) => return Ok(HookAnswer::None(innermost_cause(&error))),
    };
    if response.status().is_redirection() {
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok())
            .and_then(|to| response.url().join(to).ok());
        return Ok(HookAnswer::Redirected { to: to.map(|to| to.origin().ascii_serialization()) });
    }
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() > MAX_ANSWER_BYTES {
            break;
        }
    }
    body.truncate(MAX_ANSWER_BYTES);
    let body = storable_text::cleaned(String::from_utf8_lossy(&body)).into_owned();
    Ok(HookAnswer::Answered {
        http_status: response.status().as_u16(),
        body,
        took: started.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{Reaction, TestServer};
    use super::*;

    const PARAMS: &[(&str, &str)] = &[("AccountSid", "AC1"), ("Challenge", "ä+b")];

    #[tokio::test]
    async fn the_form_is_posted_with_its_signature_and_without_the_fragment() {
        let server = TestServer::start(vec![Reaction::Answer(200, "heard".to_owned())]).await;
        let url = format!("{}hooks/twilio/1/test", server.url);
        let answer =
            call_hook(&format!("{url}#rc=5"), Some(&"t0ken".into()), PARAMS).await.unwrap();
        assert!(
            matches!(
                &answer,
                HookAnswer::Answered { http_status: 200, body, .. } if body == "heard"
            ),
            "{answer:?}"
        );
        let requests = server.requests();
        assert!(requests[0].line.starts_with("POST /hooks/twilio/1/test HTTP"), "{requests:?}");
        assert!(requests[0].head.to_lowercase().contains("x-twilio-signature: "), "{requests:?}");
        assert!(requests[0].head.contains(&signature::sign("t0ken", &url, PARAMS)), "{requests:?}");
        assert_eq!(requests[0].body, "AccountSid=AC1&Challenge=%C3%A4%2Bb");
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_refused_connections_are_reported() {
        let server = TestServer::start(vec![Reaction::Answer(308, String::new())]).await;
        let to = server.url.origin().ascii_serialization();
        assert_eq!(
            call_hook(server.url.as_str(), None, PARAMS).await.unwrap(),
            HookAnswer::Redirected { to: Some(to) }
        );
        assert!(!server.requests()[0].head.to_lowercase().contains("x-twilio-signature"));
        let closed = call_hook("http://127.0.0.1:9/hooks", None, PARAMS).await.unwrap();
        assert!(matches!(&closed, HookAnswer::None(why) if !why.is_empty()), "{closed:?}");
        assert!(matches!(call_hook("no address", None, PARAMS).await, Err(ClientError::Address)));
    }
}
