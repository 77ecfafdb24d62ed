//! Samples of the list of sources: empty, and with one of each kind and state.

use std::collections::HashMap;

use super::SourceListPage;
use crate::sources::{ItemCounts, Source};
use crate::types::public_url::PublicUrl;
use crate::web::{Samples, Varies};

impl Samples for SourceListPage {
    const VARIES: Varies = Varies { texts: &["sources.name"], lists: &["sources"] };

    fn samples() -> Vec<Self> {
        let sources = [Source::sample(), Source::shopify_sample(), Source::webhook_sample()];
        let counts = ItemCounts { accepted: 12_345, rejected: 7, ..ItemCounts::default() };
        let totals = HashMap::from([(sources[0].id, counts)]);
        let page = PublicUrl::parse("https://sms.example.com")
            .map(|public_url| Self::new(&sources, &totals, &public_url));
        [Self { sources: Vec::new() }].into_iter().chain(page).collect()
    }
}
