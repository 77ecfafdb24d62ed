//! The input for how a webhook proves who it is, to and from the JSON form of the verification.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::FieldErrors;
use crate::web::ui::Choice;
use crate::web::ui::typed_secret::TypedSecret;

/// The value of `signed` if the signature covers a time.
const SIGNED_WITH_TIME: &str = "timestamp.body";

/// How a webhook proves who it is, as the user chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VerificationMethod {
    /// By the source's own key.
    Key,
    /// By a secret in a header.
    Header,
    /// By a secret in the address.
    Query,
    /// By Shopify's signature.
    Shopify,
    /// By the signature of WooCommerce.
    Woocommerce,
    /// By Stripe's signature.
    Stripe,
    /// By a signature like GitHub's.
    Github,
    /// By another HMAC.
    Hmac,
}

/// The input; fields of other methods are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct VerificationForm {
    pub(super) method: String,
    header_name: String,
    query_name: String,
    hmac_header: String,
    encoding: String,
    prefix: String,
    signed: String,
    timestamp_header: String,
    tolerance_seconds: String,
    /// A new secret; blank keeps the stored one.
    #[serde(skip_serializing)]
    pub(super) secret: TypedSecret,
}

impl Default for VerificationForm {
    fn default() -> Self {
        Self {
            method: VerificationMethod::Key.as_str().to_owned(),
            header_name: "X-Webhook-Secret".to_owned(),
            query_name: "token".to_owned(),
            hmac_header: "X-Signature".to_owned(),
            encoding: "hex".to_owned(),
            prefix: String::new(),
            signed: "body".to_owned(),
            timestamp_header: String::new(),
            tolerance_seconds: "300".to_owned(),
            secret: TypedSecret::default(),
        }
    }
}

impl VerificationMethod {
    const ALL: [Self; 8] = [
        Self::Key,
        Self::Header,
        Self::Query,
        Self::Shopify,
        Self::Woocommerce,
        Self::Stripe,
        Self::Github,
        Self::Hmac,
    ];

    /// The word of the form; that of a preset is the preset's.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Header => "header",
            Self::Query => "query",
            Self::Shopify => "shopify",
            Self::Woocommerce => "woocommerce",
            Self::Stripe => "stripe",
            Self::Github => "github",
            Self::Hmac => "hmac",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// The method of a stored verification.
    pub(super) fn of(verification: &Value) -> Self {
        let text = |field: &str| verification[field].as_str().unwrap_or_default();
        let word = match text("type") {
            "hmac" if verification.get("preset").is_some() => text("preset"),
            other => other,
        };
        Self::parse(word).unwrap_or(Self::Key)
    }

    /// Whether it needs a secret besides the source's key.
    pub(super) const fn needs_secret(self) -> bool {
        !matches!(self, Self::Key)
    }

    /// The methods as options of a select box.
    pub(super) fn choices() -> Vec<Choice> {
        let label = |method: &Self| match method {
            Self::Key => "The key of this source",
            Self::Header => "A secret in a header",
            Self::Query => "A secret in the address",
            Self::Shopify => "Signature of Shopify",
            Self::Woocommerce => "Signature of WooCommerce",
            Self::Stripe => "Signature of Stripe",
            Self::Github => "Signature like GitHub’s",
            Self::Hmac => "Another signature (HMAC-SHA256)",
        };
        Self::ALL.iter().map(|method| Choice::new(method.as_str(), label(method))).collect()
    }
}

impl VerificationForm {
    /// The input that shows a stored verification, without its secret.
    pub(super) fn of(verification: &Value) -> Self {
        let method = VerificationMethod::of(verification);
        let usual = Self { method: method.as_str().to_owned(), ..Self::default() };
        let text = |field: &str, usual: String| match &verification[field] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => usual,
        };
        match method {
            VerificationMethod::Header => {
                Self { header_name: text("name", String::new()), ..usual }
            }
            VerificationMethod::Query => Self { query_name: text("name", String::new()), ..usual },
            VerificationMethod::Hmac => Self {
                hmac_header: text("header", String::new()),
                encoding: text("encoding", usual.encoding.clone()),
                prefix: text("prefix", String::new()),
                signed: text("signed", usual.signed.clone()),
                timestamp_header: text("timestamp_header", String::new()),
                tolerance_seconds: text("tolerance_seconds", usual.tolerance_seconds.clone()),
                ..usual
            },
            _ => usual,
        }
    }

    /// The chosen method, if it is one.
    pub(super) fn chosen(&self) -> Option<VerificationMethod> {
        VerificationMethod::parse(&self.method)
    }

    /// The verification as JSON; the errors are those that only the form can have.
    pub(super) fn read(&self) -> Result<Value, FieldErrors> {
        let Some(method) = self.chosen() else {
            return Err(FieldErrors::default().with("method", "Choose how requests are checked."));
        };
        let mut json = match method {
            VerificationMethod::Key => json!({ "type": "key" }),
            VerificationMethod::Header => {
                json!({ "type": "header", "name": self.header_name.trim() })
            }
            VerificationMethod::Query => json!({ "type": "query", "name": self.query_name.trim() }),
            VerificationMethod::Hmac => self.read_hmac()?,
            preset => json!({ "type": "hmac", "preset": preset.as_str() }),
        };
        if method.needs_secret() && !self.secret.0.trim().is_empty() {
            json["secret"] = self.secret.0.trim().into();
        }
        Ok(json)
    }

    fn read_hmac(&self) -> Result<Value, FieldErrors> {
        let texts = [
            ("header", &self.hmac_header),
            ("encoding", &self.encoding),
            ("prefix", &self.prefix),
            ("signed", &self.signed),
        ];
        let filled = texts.into_iter().filter(|(_, text)| !text.trim().is_empty());
        let mut fields: Map<String, Value> =
            filled.map(|(name, text)| (name.to_owned(), text.trim().into())).collect();
        fields.insert("type".to_owned(), "hmac".into());
        if self.signed == SIGNED_WITH_TIME {
            fields.insert("timestamp_header".to_owned(), self.timestamp_header.trim().into());
            let seconds: u32 = self.tolerance_seconds.trim().parse().map_err(|_| {
                let text = "Enter a whole number of seconds, such as 300.";
                FieldErrors::default().with("tolerance_seconds", text)
            })?;
            fields.insert("tolerance_seconds".to_owned(), seconds.into());
        }
        Ok(Value::Object(fields))
    }

    /// The errors of the slice by the fields of the form: `verification.name` is the name of a
    /// header or of a parameter.
    pub(super) fn errors(&self, errors: &FieldErrors) -> FieldErrors {
        let mut shown = FieldErrors::default();
        for (path, messages) in errors.iter() {
            let field = path.strip_prefix("verification.").unwrap_or(path);
            let field = match (field, self.chosen()) {
                ("name", Some(VerificationMethod::Header)) if field != path => "header_name",
                ("name", Some(VerificationMethod::Query)) if field != path => "query_name",
                ("header", _) => "hmac_header",
                ("verification" | "type" | "preset", _) => "method",
                (other, _) => other,
            };
            for message in messages {
                shown.add(field, message);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_survives_a_round_trip() {
        for json in [
            json!({ "type": "key" }),
            json!({ "type": "header", "name": "X-Token" }),
            json!({ "type": "query", "name": "secret" }),
            json!({ "type": "hmac", "preset": "stripe" }),
            json!({
                "type": "hmac",
                "header": "X-Sign",
                "encoding": "hex",
                "signed": "body",
            }),
            json!({
                "type": "hmac",
                "header": "X-Sign",
                "encoding": "base64",
                "prefix": "v1=",
                "signed": SIGNED_WITH_TIME,
                "timestamp_header": "X-Time",
                "tolerance_seconds": 60,
            }),
        ] {
            assert_eq!(VerificationForm::of(&json).read(), Ok(json));
        }
    }

    #[test]
    fn a_secret_is_sent_only_if_it_was_entered_and_is_used() {
        let form = |method: &str, secret: &str| VerificationForm {
            method: method.to_owned(),
            secret: TypedSecret(secret.to_owned()),
            ..VerificationForm::default()
        };
        let secret = |method, secret| form(method, secret).read().unwrap().get("secret").cloned();
        assert_eq!(secret("shopify", " s3 "), Some(json!("s3")));
        assert_eq!(secret("shopify", ""), None);
        assert_eq!(secret("key", "s3"), None);
        assert!(form("magic", "").read().is_err());
        assert!(!serde_json::to_string(&form("header", "s3cret")).unwrap().contains("s3cret"));
    }

    #[test]
    fn errors_stand_beside_the_fields_of_the_chosen_method() {
        let errors = FieldErrors::default().with("verification.name", "a").with("name", "b");
        let form = VerificationForm { method: "query".to_owned(), ..VerificationForm::default() };
        let shown = FieldErrors::default().with("query_name", "a").with("name", "b");
        assert_eq!(form.errors(&errors), shown);
    }
}
