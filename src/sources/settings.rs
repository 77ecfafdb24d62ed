//! The settings of a source as users and programs write them, checked before they are stored: its
//! name, its mapping and its verification.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::source::SourceKind;
use super::webhook::{ParsedVerification, WebhookMapping};
use crate::error::FieldErrors;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::{self, Mistake};

/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// The longest trait, in characters.
const MAX_TEXT: usize = 500;

/// A verification in two parts: what is shown, and its secret.
#[derive(Debug)]
pub(super) struct CheckedVerification {
    /// The JSON form, without the secret.
    pub(super) shown: Value,
    /// The secret as written; `None` keeps the stored one, if the verification needs one.
    pub(super) secret: Option<SecretString>,
}

impl CheckedVerification {
    /// Whether it needs a secret of its own, and none is written.
    pub(super) fn lacks_secret(&self) -> bool {
        self.shown["type"] != "key" && self.secret.is_none()
    }
}

/// Adds the error for a verification without a secret, unless the secret has an error already.
pub(super) fn note_missing_secret(errors: &mut FieldErrors) {
    if errors.iter().all(|(field, _)| field != "verification.secret") {
        errors.add("verification.secret", Mistake::Missing);
    }
}

/// Checks a name.
pub(crate) fn check_name(name: &str, errors: &mut FieldErrors) -> Option<String> {
    errors.check("name", mistake::name(name, MAX_NAME).map(str::to_owned))
}

/// Checks a mapping; errors are below `mapping`. Without one, the kind's usual mapping is returned.
pub(super) fn check_mapping(
    kind: SourceKind,
    written: Option<&Value>,
    errors: &mut FieldErrors,
) -> Option<Value> {
    let usual = match kind {
        SourceKind::Segment => json!({ "phone_trait": "phone" }),
        SourceKind::Webhook => json!({}),
    };
    let Some(written) = written else { return Some(usual) };
    if kind == SourceKind::Segment {
        let mut reader = ObjectReader::open("mapping", written, &usual.to_string(), errors)?;
        reader.only(&["phone_trait"]);
        let phone_trait = reader.text("phone_trait", line);
        return Some(json!({ "phone_trait": phone_trait.as_deref().unwrap_or("phone") }));
    }
    match WebhookMapping::parse(written) {
        Ok(mapping) => Some(mapping.to_value()),
        Err(wrong) => {
            add_all(errors, &wrong);
            None
        }
    }
}

/// Checks a verification; errors are below `verification`. Without one, it is the source's key.
pub(super) fn check_verification(
    kind: SourceKind,
    written: Option<&Value>,
    errors: &mut FieldErrors,
) -> Option<CheckedVerification> {
    let by_key = json!({ "type": "key" });
    let Some(written) = written else {
        return Some(CheckedVerification { shown: by_key, secret: None });
    };
    if kind == SourceKind::Segment {
        let example = by_key.to_string();
        let mut reader = ObjectReader::open("verification", written, &example, errors)?;
        reader.kind("type", &["key"])?;
        reader.only(&["type", "has_secret"]);
        return Some(CheckedVerification { shown: by_key, secret: None });
    }
    match ParsedVerification::parse(written) {
        Ok(ParsedVerification { verification, secret }) => {
            Some(CheckedVerification { shown: verification.to_value(), secret })
        }
        Err(wrong) => {
            add_all(errors, &wrong);
            None
        }
    }
}

fn add_all(errors: &mut FieldErrors, others: &FieldErrors) {
    for (field, messages) in others.iter() {
        for message in messages {
            errors.add(field, message.as_str());
        }
    }
}

fn line(text: &str) -> Result<String, Mistake> {
    mistake::line(text, MAX_TEXT).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn verification(kind: SourceKind, written: &Value) -> Result<(Value, Option<String>), String> {
        let mut errors = FieldErrors::default();
        let checked = check_verification(kind, Some(written), &mut errors);
        if !errors.is_empty() {
            return Err(errors.to_string());
        }
        let CheckedVerification { shown, secret } = checked.unwrap();
        Ok((shown, secret.map(|secret| secret.expose_secret().to_owned())))
    }

    #[test]
    fn the_secret_is_taken_out_of_a_verification() {
        let written = json!({ "type": "hmac", "preset": "shopify", "secret": "s3" });
        let shown = json!({ "type": "hmac", "preset": "shopify" });
        assert_eq!(
            verification(SourceKind::Webhook, &written),
            Ok((shown.clone(), Some("s3".to_owned())))
        );
        let read = json!({ "type": "hmac", "preset": "shopify", "has_secret": true });
        assert_eq!(verification(SourceKind::Webhook, &read), Ok((shown, None)));
    }

    #[test]
    fn a_wrong_verification_is_refused_with_its_field() {
        for (written, field) in [
            (json!("key"), "verification: "),
            (json!({}), "verification.type: "),
            (json!({ "type": "oauth" }), "verification.type: "),
            (json!({ "type": "key", "secret": "x" }), "verification.secret: "),
            (json!({ "type": "header", "secret": "x" }), "verification.name: "),
            (json!({ "type": "query", "name": "t", "secret": " " }), "verification.secret: "),
            (json!({ "type": "query", "name": "t", "secret": 7 }), "verification.secret: "),
            (
                json!({ "type": "hmac", "preset": "github", "secret": "a\u{0}b" }),
                "verification.secret: ",
            ),
        ] {
            let error = verification(SourceKind::Webhook, &written).unwrap_err();
            assert!(error.starts_with(field), "{written}: {error}");
        }
        let hmac = json!({ "type": "hmac", "preset": "github", "secret": "x" });
        let error = verification(SourceKind::Segment, &hmac).unwrap_err();
        assert_eq!(error, "verification.type: Unknown: “hmac”. Use one of: key.");
    }

    #[test]
    fn a_segment_source_finds_the_phone_number_in_a_trait() {
        let mapping = |written: Value| {
            let mut errors = FieldErrors::default();
            let checked = check_mapping(SourceKind::Segment, Some(&written), &mut errors);
            if errors.is_empty() { Ok(checked.unwrap()) } else { Err(errors.to_string()) }
        };
        let usual = json!({ "phone_trait": "phone" });
        assert_eq!(mapping(json!({})), Ok(usual.clone()));
        assert_eq!(mapping(json!({ "phone_trait": " " })), Ok(usual));
        let mobile = json!({ "phone_trait": "contact.mobile" });
        assert_eq!(mapping(mobile.clone()), Ok(mobile));
        assert!(mapping(json!({ "phone": "x" })).unwrap_err().starts_with("mapping.phone: "));
        assert!(mapping(json!([])).unwrap_err().starts_with("mapping: "));
    }
}
