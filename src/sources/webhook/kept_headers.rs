//! Which headers of a webhook are kept for its mapping: those that describe the event, without
//! secrets and signatures.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::storable_text;

/// How many headers are kept.
const MAX_HEADERS: usize = 30;
/// Maximum length of a kept value in bytes.
const MAX_VALUE_BYTES: usize = 500;
/// Parts of names of headers that may carry a secret, or that proxies add about the way.
const LEFT_OUT: [&str; 12] = [
    "auth",
    "secret",
    "token",
    "key",
    "signature",
    "hmac",
    "password",
    "cookie",
    "session",
    "forwarded",
    "real-ip",
    "client-ip",
];

/// Headers by their names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptHeaders(BTreeMap<String, String>);

impl KeptHeaders {
    /// Keeps the headers that are `named` by a mapping, begin with `X-` or describe an event,
    /// without the `secret` ones and those whose name sounds like a secret.
    #[must_use]
    pub fn of<'r>(
        headers: impl IntoIterator<Item = (&'r str, &'r str)>,
        named: &[&str],
        secret: &[&str],
    ) -> Self {
        let mut kept = BTreeMap::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let is_in =
                |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(&name));
            let is_wanted = describes_event(&name) || is_in(named);
            let is_secret = sounds_secret(&name) || is_in(secret);
            if !is_wanted || is_secret || value.len() > MAX_VALUE_BYTES {
                continue;
            }
            if kept.len() < MAX_HEADERS && storable_text::is_storable(value) {
                kept.entry(name).or_insert_with(|| value.to_owned());
            }
        }
        Self(kept)
    }

    /// The headers of a stored delivery.
    #[must_use]
    pub fn from_stored(stored: &Value) -> Self {
        let text =
            |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Self(stored.as_object().into_iter().flatten().filter_map(text).collect())
    }

    /// The headers as a JSON object, for the database and for pages.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(
            self.0.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect(),
        )
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Whether a header, by its name in lower case, may carry a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    LEFT_OUT.iter().any(|part| name.contains(part))
}

/// Whether a header may say what happened: `X-GitHub-Event`, `Ce-Type`, `Webhook-Id`.
fn describes_event(name: &str) -> bool {
    let starts = ["x-", "ce-", "webhook-", "event", "shopify-", "user-agent"];
    starts.iter().any(|start| name.starts_with(start)) || name.ends_with("-event")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_of_the_event_are_kept_and_secrets_are_not() {
        let kept = KeptHeaders::of(
            [
                ("X-Shopify-Topic", "orders/create"),
                ("X-Shopify-Hmac-SHA256", "abc="),
                ("X-Hub-Signature-256", "sha256=abc"),
                ("Authorization", "Bearer x"),
                ("X-Carillon-Key", "sk_x"),
                ("X-Forwarded-For", "203.0.113.7"),
                ("X-Proof", "hidden"),
                ("Accept", "*/*"),
                ("Topic", "order"),
                ("X-Shopify-Topic", "second"),
                ("X-Long", "x".repeat(501).as_str()),
            ],
            &["topic", "authorization"],
            &["x-proof"],
        );
        assert_eq!(kept.to_value(), json!({"topic": "order", "x-shopify-topic": "orders/create"}));
        assert_eq!(KeptHeaders::from_stored(&kept.to_value()), kept);
        assert_eq!(KeptHeaders::from_stored(&json!([1])), KeptHeaders::default());
    }
}
