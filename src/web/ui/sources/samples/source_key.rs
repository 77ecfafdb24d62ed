//! Samples of the page that shows a key once: of both kinds, and one that replaces another.

use super::SourceKeyPage;
use crate::sources::Source;
use crate::types::public_url::PublicUrl;
use crate::web::{Samples, Varies};

impl Samples for SourceKeyPage {
    const VARIES: Varies = Varies { texts: &["source.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let Ok(public_url) = PublicUrl::parse("https://sms.example.com") else {
            return Vec::new();
        };
        let key = "sk_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG";
        vec![
            Self::created(&Source::sample(), key, &public_url),
            Self::created(&Source::webhook_sample(), key, &public_url),
            Self::replaced(&Source::sample(), key, &public_url),
        ]
    }
}
