//! Samples of the page of a source: new, in use with two keys, and a disabled webhook.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{DAYS, KeyView, SourceShowPage};
use crate::ledger::Days;
use crate::sources::{ItemCounts, Source};
use crate::types::public_url::PublicUrl;
use crate::web::ui::sources::arrivals_chart::{ArrivalsChart, outcome_counts};
use crate::web::ui::sources::snippets;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl KeyView {
    /// A key and the one that it replaces.
    pub(in crate::web::ui::sources) fn samples() -> Vec<Self> {
        let key = |expires_at: Option<DateTime<Utc>>| Self {
            prefix: "sk_AbCdEf".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            expires_at,
        };
        vec![key(None), key(Some(DateTime::UNIX_EPOCH))]
    }
}

impl SourceShowPage {
    fn sample(source: &Source, counts: ItemCounts, actions: usize) -> Option<Self> {
        let public_url = PublicUrl::parse("https://sms.example.com").ok()?;
        let days = Days::last(DAYS, DateTime::UNIX_EPOCH, Tz::UTC);
        let by_day: Vec<(NaiveDate, ItemCounts)> =
            [0, 3, 4].map(|back| (days.to() - TimeDelta::days(back), counts)).into();
        Some(Self {
            source: SourceView::new(source, &public_url),
            keys: KeyView::samples(),
            today: outcome_counts(counts),
            week: outcome_counts(counts),
            chart: ArrivalsChart::new(days, &by_day),
            actions,
            snippets: snippets::of_source(source, snippets::KEY_PLACEHOLDER, &public_url),
        })
    }
}

impl Samples for SourceShowPage {
    const VARIES: Varies = Varies { texts: &["source.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let counts =
            ItemCounts { accepted: 12_345, repeated: 9, unreachable: 321, rejected: 1_000 };
        let pages = [
            Self::sample(&Source::sample(), counts, 3),
            Self::sample(&Source::sample(), counts, 0),
            Self::sample(&Source::shopify_sample(), ItemCounts::default(), 0),
            Self::sample(&Source::webhook_sample(), ItemCounts::default(), 1),
        ];
        pages.into_iter().flatten().collect()
    }
}
