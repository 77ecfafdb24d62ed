//! What a user can choose for a new source: Segment's protocol, or a webhook with a preset.

use serde::Serialize;

use super::verification_form::VerificationMethod;
use crate::sources::SourceKind;
use crate::sources::webhook::{WebhookPreset, presets};

/// A kind of source, as a card.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SourceChoice {
    /// The word in the address, such as `shopify`.
    key: &'static str,
    /// Its title, and the name that a new source has at first.
    pub(super) name: &'static str,
    about: &'static str,
    icon: &'static str,
    #[serde(skip)]
    pub(super) kind: SourceKind,
    /// What the secret is and where the user finds it; none if the source's key is used.
    pub(super) secret_help: Option<&'static str>,
    #[serde(skip)]
    pub(super) preset: Option<&'static WebhookPreset>,
}

impl SourceChoice {
    /// All choices.
    pub(super) fn all() -> Vec<Self> {
        let segment = Self {
            key: "segment",
            name: "Segment",
            about: "Clients of Segment and RudderStack send here unchanged: they get this address \
                    and a key.",
            icon: "zap",
            kind: SourceKind::Segment,
            secret_help: None,
            preset: None,
        };
        [segment].into_iter().chain(presets().iter().map(Self::of_preset)).collect()
    }

    /// The choice with this word.
    pub(super) fn find(key: &str) -> Option<Self> {
        Self::all().into_iter().find(|choice| choice.key == key)
    }

    fn of_preset(preset: &'static WebhookPreset) -> Self {
        Self {
            key: preset.id,
            name: preset.name,
            about: preset.explanation,
            icon: icon(VerificationMethod::of(&preset.verification)),
            kind: SourceKind::Webhook,
            secret_help: preset.secret_label,
            preset: Some(preset),
        }
    }
}

/// The icon of webhooks that are verified like this.
pub(super) const fn icon(method: VerificationMethod) -> &'static str {
    match method {
        VerificationMethod::Shopify | VerificationMethod::Woocommerce => "shopping-bag",
        VerificationMethod::Stripe => "credit-card",
        VerificationMethod::Github => "git-branch",
        _ => "webhook",
    }
}
