//! Parses a verification as users and programs write it, with its secret.

use secrecy::SecretString;
use serde_json::Value;

use super::locator::is_header_name;
use super::signature::{
    DEFAULT_TOLERANCE_SECONDS, SignatureEncoding, SignaturePreset, SignatureScheme, SignedTimestamp,
};
use super::verification::WebhookVerification;
use crate::error::{Error, FieldErrors, Result};
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::{self, Mistake};

/// The field of the API that holds a verification, with which the fields of errors begin.
const PATH: &str = "verification";
const EXAMPLE: &str = "{\"type\": \"hmac\", \"preset\": \"shopify\", \"secret\": \"…\"}";
/// Maximum length of a secret in bytes.
const MAX_SECRET_BYTES: usize = 500;
/// Maximum length of a parameter's name and of a prefix, in characters.
const MAX_NAME: usize = 100;
/// The most seconds that a signature may be old.
const MAX_TOLERANCE_SECONDS: i64 = 86_400;
/// A field of responses, which programs may send back.
const HAS_SECRET: &str = "has_secret";
const BODY: &str = "body";
const TIMESTAMP_AND_BODY: &str = "timestamp.body";

/// A verification with the secret that was given with it.
#[derive(Debug, Clone)]
pub struct ParsedVerification {
    /// How requests prove who they are.
    pub verification: WebhookVerification,
    /// The secret, if one was given.
    pub secret: Option<SecretString>,
}

impl ParsedVerification {
    /// Parses a verification; errors are those of `verification.name` and so on. The caller decides
    /// whether a missing secret is an error.
    pub fn parse(value: &Value) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let parsed = read(value, &mut errors);
        match parsed {
            Some(parsed) if errors.is_empty() => Ok(parsed),
            _ => Err(errors),
        }
    }

    /// Parses a stored verification.
    pub fn of_stored(value: &Value) -> Result<WebhookVerification> {
        Self::parse(value).map(|parsed| parsed.verification).map_err(|errors| {
            Error::Internal(format!("a stored verification is unreadable: {errors}"))
        })
    }
}

fn read(value: &Value, errors: &mut FieldErrors) -> Option<ParsedVerification> {
    let mut reader = ObjectReader::open(PATH, value, EXAMPLE, errors)?;
    let kind = reader.kind("type", &["key", "header", "query", "hmac"])?;
    let verification = match kind {
        "header" => {
            reader.only(&["type", "name", "secret", HAS_SECRET]);
            reader
                .required_text("name", header_name)
                .map(|name| WebhookVerification::Header { name })
        }
        "query" => {
            reader.only(&["type", "name", "secret", HAS_SECRET]);
            let name = reader
                .required_text("name", |text| mistake::line(text, MAX_NAME).map(str::to_owned));
            name.map(|name| WebhookVerification::Query { name })
        }
        "hmac" if reader.value("preset").is_some() => {
            reader.only(&["type", "preset", "secret", HAS_SECRET]);
            reader
                .required_text("preset", str::parse::<SignaturePreset>)
                .map(WebhookVerification::Preset)
        }
        "hmac" => read_scheme(&mut reader).map(WebhookVerification::Scheme),
        _ => {
            reader.only(&["type", HAS_SECRET]);
            Some(WebhookVerification::Key)
        }
    };
    let secret = match reader.value("secret") {
        Some(_) if kind != "key" => reader.required_text("secret", secret),
        _ => None,
    };
    Some(ParsedVerification { verification: verification?, secret })
}

fn read_scheme(reader: &mut ObjectReader<'_, '_>) -> Option<SignatureScheme> {
    reader.only(&[
        "type",
        "header",
        "encoding",
        "prefix",
        "timestamp_header",
        "signed",
        "tolerance_seconds",
        "secret",
        HAS_SECRET,
    ]);
    let header = reader.required_text("header", header_name);
    let encoding = reader.required_text("encoding", str::parse::<SignatureEncoding>);
    let prefix = reader
        .text("prefix", |text| mistake::line(text, MAX_NAME).map(str::to_owned))
        .unwrap_or_default();
    let signs_time = match reader.value("signed") {
        None => false,
        Some(_) => reader.kind("signed", &[BODY, TIMESTAMP_AND_BODY])? == TIMESTAMP_AND_BODY,
    };
    let tolerance_seconds = tolerance(reader);
    let timestamp = if signs_time {
        let header = reader.required_text("timestamp_header", header_name)?;
        Some(SignedTimestamp { header, tolerance_seconds: tolerance_seconds? })
    } else {
        for field in ["timestamp_header", "tolerance_seconds"] {
            if reader.value(field).is_some() {
                reader.wrong(
                    field,
                    "A time counts only if it is signed: set “signed” to timestamp.body.",
                );
            }
        }
        None
    };
    Some(SignatureScheme { header: header?, encoding: encoding?, prefix, timestamp })
}

fn tolerance(reader: &mut ObjectReader<'_, '_>) -> Option<i64> {
    let Some(value) = reader.value("tolerance_seconds") else {
        return Some(DEFAULT_TOLERANCE_SECONDS);
    };
    let seconds = value.as_i64().filter(|seconds| (1..=MAX_TOLERANCE_SECONDS).contains(seconds));
    if seconds.is_none() {
        reader.wrong("tolerance_seconds", Mistake::OutOfRange(1, MAX_TOLERANCE_SECONDS));
    }
    seconds
}

fn header_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if is_header_name(name) {
        Ok(name.to_owned())
    } else {
        Err("Name a header, such as X-Signature.")
    }
}

/// A secret as it is typed; white space around it is dropped.
fn secret(text: &str) -> Result<SecretString, Mistake> {
    let text = text.trim();
    if text.len() > MAX_SECRET_BYTES {
        return Err(Mistake::TooLong(MAX_SECRET_BYTES));
    }
    Ok(text.into())
}
