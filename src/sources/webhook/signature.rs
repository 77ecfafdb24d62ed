//! Signatures of webhooks: an HMAC-SHA256 of the body in a header, as each sender writes it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::unverified_request::{Unproven, UnverifiedRequest};
use crate::types::date_or_time::DateOrTime;
use crate::types::text_enum::text_enum;

/// How far the time of a signature may differ from ours, unless a scheme says otherwise.
pub(super) const DEFAULT_TOLERANCE_SECONDS: i64 = 300;
/// How many signatures in one header are compared.
const MAX_SIGNATURES: usize = 8;

text_enum! {
    /// How a well-known sender signs.
    pub enum SignaturePreset {
        /// `X-Shopify-Hmac-SHA256`: base64 over the body.
        Shopify = "shopify",
        /// `X-WC-Webhook-Signature`: base64 over the body.
        WooCommerce = "woocommerce",
        /// `Stripe-Signature: t=…,v1=…`: hex over time and body.
        Stripe = "stripe",
        /// `X-Hub-Signature-256: sha256=…`: hex over the body.
        GitHub = "github",
    }
}

text_enum! {
    /// How the bytes of a signature are written.
    pub enum SignatureEncoding {
        /// Hexadecimal digits in either case.
        Hex = "hex",
        /// Base64 in either alphabet, padded or not.
        Base64 = "base64",
    }
}

/// How a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureScheme {
    /// The header that has the signature.
    pub header: String,
    /// How it is written.
    pub encoding: SignatureEncoding,
    /// What stands before it, such as `sha256=`.
    pub prefix: String,
    /// The time that is signed with the body, joined by a dot; none if only the body is signed.
    pub timestamp: Option<SignedTimestamp>,
}

/// Where the signed time is, and how old it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTimestamp {
    /// The header that has it.
    pub header: String,
    /// How far it may differ from our time, in seconds.
    pub tolerance_seconds: i64,
}

impl SignaturePreset {
    /// The header that has the signature.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Shopify => "X-Shopify-Hmac-SHA256",
            Self::WooCommerce => "X-WC-Webhook-Signature",
            Self::Stripe => "Stripe-Signature",
            Self::GitHub => "X-Hub-Signature-256",
        }
    }

    /// Checks the signature of a request.
    pub(super) fn check(
        self,
        secret: &SecretString,
        request: &UnverifiedRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Unproven> {
        let (encoding, prefix) = match self {
            Self::Stripe => return check_stripe(secret, request, now),
            Self::Shopify | Self::WooCommerce => (SignatureEncoding::Base64, ""),
            Self::GitHub => (SignatureEncoding::Hex, "sha256="),
        };
        let scheme = SignatureScheme {
            header: self.header().to_owned(),
            encoding,
            prefix: prefix.to_owned(),
            timestamp: None,
        };
        scheme.check(secret, request, now)
    }
}

impl SignatureScheme {
    /// Checks the signature of a request, then the age of its time.
    pub(super) fn check(
        &self,
        secret: &SecretString,
        request: &UnverifiedRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Unproven> {
        let written = request.required_header(&self.header)?.trim();
        let malformed = || Unproven::MalformedSignature(self.header.clone());
        let written = strip_prefix(written, &self.prefix).ok_or_else(malformed)?;
        let signature = decode(written, self.encoding).ok_or_else(malformed)?;
        let Some(timestamp) = &self.timestamp else {
            let is_right = is_equal(&mac(secret, &[request.body]), &signature);
            return is_right.then_some(()).ok_or_else(|| self.wrong());
        };
        let time = request.required_header(&timestamp.header)?.trim();
        if !is_equal(&mac(secret, &[time.as_bytes(), b".", request.body]), &signature) {
            return Err(self.wrong());
        }
        check_age(time, &timestamp.header, timestamp.tolerance_seconds, now)
    }

    fn wrong(&self) -> Unproven {
        Unproven::WrongSignature(self.header.clone())
    }
}

/// Checks Stripe's header: `t=<seconds>,v1=<hex>`, with several `v1` while a secret is replaced.
fn check_stripe(
    secret: &SecretString,
    request: &UnverifiedRequest<'_>,
    now: DateTime<Utc>,
) -> Result<(), Unproven> {
    let header = SignaturePreset::Stripe.header();
    let fields: Vec<(&str, &str)> = request
        .required_header(header)?
        .split(',')
        .filter_map(|field| field.trim().split_once('='))
        .collect();
    let time = fields.iter().find_map(|(name, value)| (*name == "t").then_some(*value));
    let signatures: Vec<Vec<u8>> = fields
        .iter()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, value)| decode(value, SignatureEncoding::Hex))
        .take(MAX_SIGNATURES)
        .collect();
    let Some(time) = time.filter(|_| !signatures.is_empty()) else {
        return Err(Unproven::MalformedSignature(header.to_owned()));
    };
    let expected = mac(secret, &[time.as_bytes(), b".", request.body]);
    let is_right = signatures
        .iter()
        .fold(Choice::from(0), |found, signature| found | expected.as_slice().ct_eq(signature));
    if !bool::from(is_right) {
        return Err(Unproven::WrongSignature(header.to_owned()));
    }
    check_age(time, header, DEFAULT_TOLERANCE_SECONDS, now)
}

/// The HMAC-SHA256 of the parts, one after the other.
fn mac(secret: &SecretString, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares in constant time.
fn is_equal(expected: &[u8; 32], presented: &[u8]) -> bool {
    expected.as_slice().ct_eq(presented).into()
}

/// Refuses a time that is too far from ours, so that a recorded request cannot be sent again later.
fn check_age(
    time: &str,
    header: &str,
    tolerance_seconds: i64,
    now: DateTime<Utc>,
) -> Result<(), Unproven> {
    let signed_at = DateOrTime::parse(time)
        .map_err(|_| Unproven::MalformedTimestamp(header.to_owned()))?
        .instant()
        .to_utc();
    let seconds = (now - signed_at).num_seconds();
    if seconds.abs() <= tolerance_seconds {
        return Ok(());
    }
    Err(Unproven::TooOld { seconds, tolerance: TimeDelta::seconds(tolerance_seconds) })
}

/// The text after a prefix, in either case.
fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn decode(text: &str, encoding: SignatureEncoding) -> Option<Vec<u8>> {
    match encoding {
        SignatureEncoding::Hex => from_hex(text),
        SignatureEncoding::Base64 => {
            let bare = text.trim_end_matches('=');
            STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0 && !digits.is_empty())?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}
