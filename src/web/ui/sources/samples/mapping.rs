//! Samples of the editor of a mapping: of a Segment-compatible source, with each result, and with
//! errors.

use super::SourceMappingPage;
use crate::error::FieldErrors;
use crate::sources::Source;
use crate::sources::deliveries::Delivery;
use crate::web::ui::sources::mapping_form::MappingForm;
use crate::web::ui::sources::mapping_result::TriedMapping;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl SourceMappingPage {
    fn sample(source: &Source, errors: FieldErrors, tried: TriedMapping) -> Option<Self> {
        let deliveries = Delivery::samples();
        let mut form = MappingForm::of(source);
        "2".clone_into(&mut form.delivery);
        Some(Self::new(SourceView::of(source)?, form, errors, &deliveries, tried))
    }
}

impl Samples for SourceMappingPage {
    const VARIES: Varies = Varies {
        texts: &[
            "source.name",
            "form.phone",
            "form.attributes",
            "tried.body",
            "tried.item.event",
            "tried.item.person.value",
            "tried.item.attributes.value",
            "tried.paths.value",
            "tried.remarks",
        ],
        lists: &["deliveries"],
    };

    fn samples() -> Vec<Self> {
        let errors = FieldErrors::default()
            .with("phone", "There is nothing at $.phone.")
            .with("attributes", "city: Begin a path with $.");
        let segment =
            Self::sample(&Source::sample(), FieldErrors::default(), TriedMapping::default());
        let webhook = Source::shopify_sample();
        let tried = TriedMapping::samples().into_iter().map(|tried| {
            let errors =
                if tried.errors.is_empty() { FieldErrors::default() } else { errors.clone() };
            Self::sample(&webhook, errors, tried)
        });
        [segment].into_iter().chain(tried).flatten().collect()
    }
}
