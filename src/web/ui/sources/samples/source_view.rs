//! Samples of sources: Segment-compatible, a signed webhook without its secret, and a disabled one.

use chrono::DateTime;
use serde_json::json;

use super::SourceView;
use crate::sources::{Source, SourceKind};
use crate::types::id::SourceId;
use crate::types::public_url::PublicUrl;

impl Source {
    /// A Segment-compatible source that has sent something.
    pub(in crate::web::ui::sources) fn sample() -> Self {
        Self {
            id: SourceId::new(),
            name: "Shop <1>".to_owned(),
            kind: SourceKind::Segment,
            enabled: true,
            mapping: json!({ "phone_trait": "phone" }),
            verification: json!({ "type": "key" }),
            verification_secret: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            last_seen_at: Some(DateTime::UNIX_EPOCH),
        }
    }

    /// A webhook of Shopify that lacks its secret, and has sent nothing.
    pub(in crate::web::ui::sources) fn shopify_sample() -> Self {
        Self {
            kind: SourceKind::Webhook,
            mapping: json!({
                "phone": "$.customer.phone || $.phone",
                "event": "header:X-Shopify-Topic",
                "id": "$.id",
                "properties": "$",
                "attributes": { "city": "$.shipping_address.city" },
            }),
            verification: json!({ "type": "hmac", "preset": "shopify" }),
            last_seen_at: None,
            ..Self::sample()
        }
    }

    /// A disabled webhook that is verified by its key.
    pub(in crate::web::ui::sources) fn webhook_sample() -> Self {
        let verification = json!({ "type": "key" });
        Self { enabled: false, verification, last_seen_at: None, ..Self::shopify_sample() }
    }
}

impl SourceView {
    pub(in crate::web::ui::sources) fn sample() -> Option<Self> {
        Self::of(&Source::sample())
    }

    /// A source as it is shown on an installation with a usual address.
    pub(in crate::web::ui::sources) fn of(source: &Source) -> Option<Self> {
        let public_url = PublicUrl::parse("https://sms.example.com").ok()?;
        Some(Self::new(source, &public_url))
    }
}
