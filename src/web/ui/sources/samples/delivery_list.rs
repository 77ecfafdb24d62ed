//! Samples of the list of deliveries: empty, and one of each outcome.

use super::DeliveryListPage;
use crate::sources::Source;
use crate::web::ui::sources::delivery_view::DeliveryView;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl Samples for DeliveryListPage {
    const VARIES: Varies =
        Varies { texts: &["source.name", "deliveries.reason"], lists: &["deliveries"] };

    fn samples() -> Vec<Self> {
        let page = |source: Source, deliveries| {
            SourceView::of(&source).map(|source| Self { source, deliveries })
        };
        let pages = [
            page(Source::sample(), Vec::new()),
            page(Source::webhook_sample(), Vec::new()),
            page(Source::shopify_sample(), DeliveryView::samples()),
        ];
        pages.into_iter().flatten().collect()
    }
}
