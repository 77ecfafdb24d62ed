//! The answer to a request that was accepted.

use serde::Serialize;

use crate::sources::ItemOutcome;

/// The answer to a request: always a success. Clients do not read more, but people do.
#[derive(Debug, Serialize)]
pub(super) struct SegmentAnswer {
    success: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<RejectedMessage>,
}

/// A message that cannot be recorded.
#[derive(Debug, Serialize)]
struct RejectedMessage {
    /// Its place in the batch.
    index: usize,
    /// What is wrong, by field.
    reason: String,
}

impl SegmentAnswer {
    /// The answer by the outcomes of the messages, in their order.
    pub(super) fn of(outcomes: &[ItemOutcome]) -> Self {
        let rejected = outcomes.iter().enumerate().filter_map(|(index, outcome)| match outcome {
            ItemOutcome::Rejected(errors) => {
                Some(RejectedMessage { index, reason: errors.to_string() })
            }
            _ => None,
        });
        Self { success: true, rejected: rejected.collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::FieldErrors;
    use crate::types::id::EventId;

    #[test]
    fn only_what_is_rejected_is_named() {
        let answer =
            |outcomes: &[ItemOutcome]| serde_json::to_value(SegmentAnswer::of(outcomes)).unwrap();
        let recorded = ItemOutcome::Accepted { event_id: Some(EventId::new()), started: 1 };
        let others = [recorded, ItemOutcome::Repeated(EventId::new()), ItemOutcome::Unreachable];
        assert_eq!(answer(&others), json!({ "success": true }));
        let rejected = ItemOutcome::Rejected(FieldErrors::default().with("event", "Missing."));
        assert_eq!(
            answer(&[ItemOutcome::Unreachable, rejected]),
            json!({ "success": true, "rejected": [{ "index": 1, "reason": "event: Missing." }] })
        );
    }
}
