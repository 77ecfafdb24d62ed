//! Samples of deliveries, one of each outcome.

use chrono::DateTime;
use serde_json::json;

use super::DeliveryView;
use crate::sources::SourceKind;
use crate::sources::deliveries::{Delivery, DeliveryOutcome};
use crate::types::id::SourceId;

impl Delivery {
    pub(in crate::web::ui::sources) fn sample(number: i64, outcome: DeliveryOutcome) -> Self {
        let is_rejected = outcome == DeliveryOutcome::Rejected;
        let reason = "Found “<none>” at $.customer.phone. Enter a phone number with its country.";
        Self {
            number,
            source_id: SourceId::new(),
            received_at: DateTime::UNIX_EPOCH,
            outcome,
            reason: is_rejected.then(|| reason.to_owned()),
            content_type: Some("application/json".to_owned()),
            headers: json!({ "x-shopify-topic": "orders/create" }),
            body: br#"{"id":7,"customer":{"phone":"<none>"},"total":39.9}"#.to_vec(),
            event_id: None,
            replayed_at: None,
        }
    }

    /// One of each outcome, and one that was replayed.
    pub(in crate::web::ui::sources) fn samples() -> Vec<Self> {
        let outcomes = DeliveryOutcome::ALL.iter().copied();
        let mut all: Vec<Self> =
            (1..).zip(outcomes).map(|(number, outcome)| Self::sample(number, outcome)).collect();
        let replayed_at = Some(DateTime::UNIX_EPOCH);
        all.push(Self { replayed_at, ..Self::sample(9, DeliveryOutcome::Accepted) });
        all
    }
}

impl DeliveryView {
    pub(in crate::web::ui::sources) fn samples() -> Vec<Self> {
        let view = |delivery: &Delivery| Self::new(delivery, SourceKind::Webhook);
        Delivery::samples().iter().map(view).collect()
    }
}
