//! Requests to the product's webhooks, signed like Twilio's.

use std::net::SocketAddr;

use twilio_simulator::sign;

use crate::fake_twilio::AUTH_TOKEN;
use crate::http;

/// The bytes of a signed request to a webhook URL of the product.
pub(crate) fn call(
    host: SocketAddr,
    url: &str,
    idempotency_token: &str,
    params: &[(&str, &str)],
) -> Vec<u8> {
    let params: Vec<(String, String)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let signature = sign(AUTH_TOKEN, url, &params);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    let path = url.find("/hooks/").map_or("", |start| &url[start..]);
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("User-Agent", "TwilioProxy/1.1"),
        ("Accept", "*/*"),
        ("I-Twilio-Idempotency-Token", idempotency_token),
        ("X-Twilio-Signature", &signature),
    ];
    http::request("POST", host, path, &headers, body.as_bytes())
}
