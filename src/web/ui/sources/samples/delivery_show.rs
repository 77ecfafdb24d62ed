//! Samples of a delivery: each outcome, and one without its body.

use super::DeliveryShowPage;
use crate::sources::Source;
use crate::sources::deliveries::{Delivery, DeliveryOutcome};
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl Samples for DeliveryShowPage {
    const VARIES: Varies = Varies {
        texts: &["source.name", "delivery.reason", "headers.value", "body"],
        lists: &["headers"],
    };

    fn samples() -> Vec<Self> {
        let mut deliveries = Delivery::samples();
        let unverified = Delivery::sample(10, DeliveryOutcome::Rejected);
        deliveries.push(Delivery { body: Vec::new(), ..unverified });
        let page = |delivery: &Delivery| {
            SourceView::of(&Source::shopify_sample()).map(|source| Self::new(source, delivery))
        };
        deliveries.iter().filter_map(page).collect()
    }
}
