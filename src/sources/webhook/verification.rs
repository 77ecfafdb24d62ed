//! How a webhook proves who it is: by the source's key, by a secret in a header or in the query, or
//! by a signature.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::signature::{SignaturePreset, SignatureScheme};
use super::unverified_request::{Unproven, UnverifiedRequest};

/// How the requests of a source prove who they are. The secret is stored apart from it, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WebhookVerification {
    /// By the source's key, as `Authorization: Bearer`, `X-Carillon-Key` or `?key=`.
    #[default]
    Key,
    /// By a secret in a header.
    Header {
        /// The header's name.
        name: String,
    },
    /// By a secret in the query of the address.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// By a signature as a well-known sender makes it.
    Preset(SignaturePreset),
    /// By a signature of another kind.
    Scheme(SignatureScheme),
}

impl WebhookVerification {
    /// The verification as JSON, without its secret; [`ParsedVerification`] parses it.
    ///
    /// [`ParsedVerification`]: super::ParsedVerification
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Key => json!({ "type": "key" }),
            Self::Header { name } => json!({ "type": "header", "name": name }),
            Self::Query { name } => json!({ "type": "query", "name": name }),
            Self::Preset(preset) => json!({ "type": "hmac", "preset": preset }),
            Self::Scheme(scheme) => {
                let mut value = json!({
                    "type": "hmac",
                    "header": scheme.header,
                    "encoding": scheme.encoding,
                    "prefix": scheme.prefix,
                    "signed": "body",
                });
                if let Some(timestamp) = &scheme.timestamp {
                    value["signed"] = "timestamp.body".into();
                    value["timestamp_header"] = timestamp.header.as_str().into();
                    value["tolerance_seconds"] = timestamp.tolerance_seconds.into();
                }
                value
            }
        }
    }

    /// Whether it needs a secret besides the source's keys.
    #[must_use]
    pub fn needs_secret(&self) -> bool {
        *self != Self::Key
    }

    /// The headers that carry its proof.
    #[must_use]
    pub fn proof_headers(&self) -> Vec<&str> {
        match self {
            Self::Key => vec!["authorization", "x-carillon-key"],
            Self::Header { name } => vec![name.as_str()],
            Self::Query { .. } => Vec::new(),
            Self::Preset(preset) => vec![preset.header()],
            Self::Scheme(scheme) => vec![scheme.header.as_str()],
        }
    }

    /// Checks a request by the secret. The keys of [`WebhookVerification::Key`] are in the
    /// database: the caller checks [`UnverifiedRequest::key`].
    pub fn check(
        &self,
        secret: Option<&SecretString>,
        request: &UnverifiedRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Unproven> {
        let secret =
            secret.filter(|secret| !secret.expose_secret().is_empty()).ok_or(Unproven::NoSecret)?;
        let presented = match self {
            Self::Key => return Err(Unproven::MissingKey),
            Self::Header { name } => (name, request.required_header(name)?),
            Self::Query { name } => (
                name,
                request.parameter(name).ok_or_else(|| Unproven::MissingParameter(name.clone()))?,
            ),
            Self::Preset(preset) => return preset.check(secret, request, now),
            Self::Scheme(scheme) => return scheme.check(secret, request, now),
        };
        let (name, presented) = presented;
        let is_right = presented.as_bytes().ct_eq(secret.expose_secret().as_bytes());
        if bool::from(is_right) { Ok(()) } else { Err(Unproven::WrongSecret(name.clone())) }
    }

    /// Whether a request is WooCommerce's call to a new webhook's address: unsigned, with nothing
    /// but the webhook's id. WooCommerce saves a webhook as working only if it is answered with
    /// 200.
    #[must_use]
    pub fn is_ping(&self, body: &[u8]) -> bool {
        let id = body.strip_prefix(b"webhook_id=").unwrap_or_default();
        *self == Self::Preset(SignaturePreset::WooCommerce)
            && (1..=20).contains(&id.len())
            && id.iter().all(u8::is_ascii_digit)
    }
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
