//! Ready code that sends to a source: commands for `curl`, and a snippet for each client.

use serde::Serialize;
use serde_json::Value;

use super::source_view::SourceView;
use super::verification_form::VerificationMethod;
use crate::sources::webhook::{WebhookPreset, preset, presets};
use crate::sources::{Source, SourceKind};
use crate::types::public_url::PublicUrl;

/// Stands for the key on pages that do not know it.
pub(super) const KEY_PLACEHOLDER: &str = "YOUR_KEY";
/// Stands for the secret of a webhook, which no page shows.
const SECRET_PLACEHOLDER: &str = "YOUR_SECRET";

/// Code to copy.
#[derive(Debug, Serialize)]
pub(super) struct ClientSnippet {
    /// The id of the text on the page.
    id: &'static str,
    label: &'static str,
    code: String,
}

/// The code for a source, the command for `curl` first. `key`: the whole key, or a placeholder.
pub(super) fn of_source(source: &Source, key: &str, public_url: &PublicUrl) -> Vec<ClientSnippet> {
    match source.kind {
        SourceKind::Segment => of_segment(key, public_url),
        SourceKind::Webhook => of_webhook(source, key, public_url),
    }
}

fn of_segment(key: &str, public_url: &PublicUrl) -> Vec<ClientSnippet> {
    let snippet = |(id, label, template): (&'static str, &'static str, &str)| ClientSnippet {
        id,
        label,
        code: filled(
            template,
            &[
                ("__KEY__", key),
                ("__URL__", public_url.as_str()),
                ("__ORIGIN__", public_url.origin().as_str()),
                ("__PREFIX__", public_url.path_prefix()),
            ],
        ),
    };
    [
        ("curl", "curl", include_str!("snippets/segment.sh")),
        ("segment-node", "@segment/analytics-node", include_str!("snippets/segment_node.mjs")),
        ("segment-python", "segment-analytics-python", include_str!("snippets/segment_python.py")),
        (
            "rudderstack-node",
            "@rudderstack/rudder-sdk-node",
            include_str!("snippets/rudderstack_node.mjs"),
        ),
        ("segment-go", "analytics-go", include_str!("snippets/segment_go.go")),
    ]
    .map(snippet)
    .into()
}

fn of_webhook(source: &Source, key: &str, public_url: &PublicUrl) -> Vec<ClientSnippet> {
    let url = SourceView::new(source, public_url).url;
    let sample = sample_of(source);
    let stored = |field: &str| source.verification[field].as_str().unwrap_or_default().to_owned();
    let (base64, hex) = (
        include_str!("snippets/webhook_signed_base64.sh"),
        include_str!("snippets/webhook_signed_hex.sh"),
    );
    let by_header = include_str!("snippets/webhook.sh");
    let (template, header, before, key) = match VerificationMethod::of(&source.verification) {
        VerificationMethod::Key => (by_header, "X-Carillon-Key".to_owned(), String::new(), key),
        VerificationMethod::Header => {
            (by_header, stored("name"), String::new(), SECRET_PLACEHOLDER)
        }
        VerificationMethod::Query => {
            let template = include_str!("snippets/webhook_query.sh");
            (template, stored("name"), String::new(), SECRET_PLACEHOLDER)
        }
        VerificationMethod::Shopify => {
            (base64, "X-Shopify-Hmac-Sha256".to_owned(), String::new(), SECRET_PLACEHOLDER)
        }
        VerificationMethod::Woocommerce => {
            (base64, "X-WC-Webhook-Signature".to_owned(), String::new(), SECRET_PLACEHOLDER)
        }
        VerificationMethod::Stripe => {
            let template = include_str!("snippets/webhook_stripe.sh");
            (template, String::new(), String::new(), SECRET_PLACEHOLDER)
        }
        VerificationMethod::Github => {
            let header = "X-Hub-Signature-256".to_owned();
            (hex, header, "sha256=".to_owned(), SECRET_PLACEHOLDER)
        }
        // What it signs may include a time, for which there is no general command.
        VerificationMethod::Hmac if stored("signed") == "timestamp.body" => return Vec::new(),
        VerificationMethod::Hmac => {
            let template = if stored("encoding") == "base64" { base64 } else { hex };
            (template, stored("header"), stored("prefix"), SECRET_PLACEHOLDER)
        }
    };
    let headers = header_lines(sample);
    let body = sample.sample_body.trim_end().replace('\'', "'\\''");
    let values = [
        ("__URL__", url.as_str()),
        ("__HEADER__", header.as_str()),
        ("__PARAMETER__", header.as_str()),
        ("__BEFORE__", before.as_str()),
        ("__KEY__", key),
        ("__HEADERS__", headers.as_str()),
        ("__BODY__", body.as_str()),
    ];
    vec![ClientSnippet { id: "curl", label: "curl", code: filled(template, &values) }]
}

/// The preset whose example is shown: that of the source's verification, or the general one.
pub(super) fn sample_of(source: &Source) -> &'static WebhookPreset {
    let method = VerificationMethod::of(&source.verification);
    preset(method.as_str()).unwrap_or(&presets()[0])
}

/// The headers of an example, as lines of a command.
fn header_lines(sample: &WebhookPreset) -> String {
    let headers = sample.sample_headers.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &Value)| {
        format!("  -H '{name}: {}' \\\n", value.as_str().unwrap_or_default())
    };
    headers.map(line).collect()
}

fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let filled = values
        .iter()
        .fold(template.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value));
    filled.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snippets(kind: SourceKind, verification: Value, public_url: &str) -> Vec<ClientSnippet> {
        let source = Source { kind, verification, ..Source::sample() };
        of_source(&source, "sk_1", &PublicUrl::parse(public_url).unwrap())
    }

    #[test]
    fn each_client_gets_the_address_and_the_key() {
        let address = "https://sms.example.com";
        let snippets = snippets(SourceKind::Segment, json!({}), address);
        assert_eq!(snippets.len(), 5);
        for ClientSnippet { label, code, .. } in snippets {
            assert!(code.contains(address) && code.contains("sk_1"), "{label}: {code}");
            assert!(!code.contains("__"), "{label}: {code}");
        }
    }

    #[test]
    fn a_client_that_replaces_the_path_gets_the_whole_one() {
        let snippets = snippets(SourceKind::Segment, json!({}), "https://example.com/sms");
        let node = snippets.iter().find(|snippet| snippet.id == "segment-node").unwrap();
        assert!(node.code.contains("host: \"https://example.com\""), "{}", node.code);
        assert!(node.code.contains("path: \"/sms/v1/batch\""), "{}", node.code);
    }

    #[test]
    fn a_command_signs_as_the_webhook_is_verified() {
        for (verification, words) in [
            (json!({ "type": "key" }), vec!["-H 'X-Carillon-Key: sk_1'"]),
            (json!({ "type": "header", "name": "X-T" }), vec!["-H 'X-T: YOUR_SECRET'"]),
            (json!({ "type": "query", "name": "t" }), vec!["?t=YOUR_SECRET'"]),
            (json!({ "type": "hmac", "preset": "shopify" }), vec!["X-Shopify-Hmac", "base64"]),
            (json!({ "type": "hmac", "preset": "github" }), vec!["sha256=$signature", "-r"]),
            (json!({ "type": "hmac", "preset": "stripe" }), vec!["t=$at,v1=$signature"]),
            (json!({ "type": "hmac", "header": "X-S", "encoding": "hex" }), vec!["X-S: $sig"]),
        ] {
            let code = &snippets(SourceKind::Webhook, verification, "https://a.example")[0].code;
            for word in words {
                assert!(code.contains(word), "{word} is not in {code}");
            }
            assert!(!code.contains("__"), "{code}");
        }
        let shopify = json!({ "type": "hmac", "preset": "shopify" });
        let code = &snippets(SourceKind::Webhook, shopify, "https://a.example")[0].code;
        assert!(code.contains("\n  -H 'x-shopify-topic: orders/create' \\\n"), "{code}");
        let signed = json!({ "type": "hmac", "signed": "timestamp.body" });
        assert!(snippets(SourceKind::Webhook, signed, "https://a.example").is_empty());
    }
}
