//! A delivery as pages show it: its outcome, why, and whether it can be replayed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::sources::SourceKind;
use crate::sources::deliveries::{Delivery, DeliveryOutcome};

/// A delivery without its body.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DeliveryView {
    pub(super) number: i64,
    received_at: DateTime<Utc>,
    pub(super) outcome: DeliveryOutcome,
    reason: Option<String>,
    replayed_at: Option<DateTime<Utc>>,
    pub(super) can_replay: bool,
}

impl DeliveryView {
    pub(super) fn new(delivery: &Delivery, kind: SourceKind) -> Self {
        Self {
            number: delivery.number,
            received_at: delivery.received_at,
            outcome: delivery.outcome,
            reason: delivery.reason.clone(),
            replayed_at: delivery.replayed_at,
            can_replay: kind == SourceKind::Webhook && delivery.is_replayable(),
        }
    }
}

/// A body as it is read: JSON is indented, other text stays as it is.
pub(super) fn readable_body(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(debug_assertions)]
#[path = "samples/delivery_view.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deliveries_of_webhooks_that_were_not_recorded_can_be_replayed() {
        let rejected = Delivery::sample(1, DeliveryOutcome::Rejected);
        let can = |delivery: &Delivery, kind| DeliveryView::new(delivery, kind).can_replay;
        assert!(can(&rejected, SourceKind::Webhook));
        assert!(!can(&rejected, SourceKind::Segment));
        let accepted = Delivery { outcome: DeliveryOutcome::Accepted, ..rejected };
        assert!(!can(&accepted, SourceKind::Webhook));
    }

    #[test]
    fn a_body_is_shown_whatever_it_is() {
        assert_eq!(readable_body(b"{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(readable_body(b"a=1&b=2"), "a=1&b=2");
        assert_eq!(readable_body(&[b'a', 0xff]), "a\u{fffd}");
    }
}
