//! A source as pages show it: its kind in words, its address, and whether it can receive anything.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::verification_form::VerificationMethod;
use crate::sources::webhook::preset;
use crate::sources::{Source, SourceKind};
use crate::types::id::SourceId;
use crate::types::public_url::PublicUrl;

/// A source without its secrets.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SourceView {
    pub(super) id: SourceId,
    pub(super) name: String,
    pub(super) kind: SourceKind,
    /// The kind in words, such as “Shopify webhook”.
    kind_words: &'static str,
    /// Where to set up the program that sends, if it is a known one.
    explanation: Option<&'static str>,
    pub(super) enabled: bool,
    /// Whether it needs a secret that it does not have, so that every request is rejected.
    lacks_secret: bool,
    pub(super) method: VerificationMethod,
    /// The address that requests are sent to; clients of Segment add `/v1/batch`.
    pub(super) url: String,
    created_at: DateTime<Utc>,
    last_seen_at: Option<DateTime<Utc>>,
}

impl SourceView {
    pub(super) fn new(source: &Source, public_url: &PublicUrl) -> Self {
        let method = match source.kind {
            SourceKind::Segment => VerificationMethod::Key,
            SourceKind::Webhook => VerificationMethod::of(&source.verification),
        };
        let kind_words = match (source.kind, method) {
            (SourceKind::Segment, _) => "Segment-compatible",
            (_, VerificationMethod::Shopify) => "Shopify webhook",
            (_, VerificationMethod::Woocommerce) => "WooCommerce webhook",
            (_, VerificationMethod::Stripe) => "Stripe webhook",
            (_, VerificationMethod::Github) => "GitHub-style webhook",
            _ => "Webhook",
        };
        let is_webhook = source.kind == SourceKind::Webhook;
        let explanation = preset(method.as_str()).filter(|_| is_webhook);
        Self {
            id: source.id,
            name: source.name.clone(),
            kind: source.kind,
            kind_words,
            explanation: explanation.map(|preset| preset.explanation),
            enabled: source.enabled,
            lacks_secret: method.needs_secret() && source.verification_secret.is_none(),
            method,
            url: match source.kind {
                SourceKind::Segment => public_url.as_str().to_owned(),
                SourceKind::Webhook => public_url.join(&format!("/in/{}", source.id)),
            },
            created_at: source.created_at,
            last_seen_at: source.last_seen_at,
        }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/source_view.rs"]
mod samples;
