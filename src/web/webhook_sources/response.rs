//! The answer to a webhook: what became of the request.

use serde::Serialize;

use crate::sources::ItemOutcome;
use crate::sources::deliveries::DeliveryOutcome;
use crate::types::id::EventId;

/// What became of a verified request.
///
/// All are answered with 200, since the sender can do nothing better: it would send a rejected
/// request again, and shops switch webhooks off after a few errors. A rejected one is in the list
/// of deliveries, to be replayed.
#[derive(Debug, Serialize)]
pub(super) struct WebhookAnswer {
    outcome: DeliveryOutcome,
    /// The event that was recorded, now or before.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// How many automations the event started.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollments: Option<usize>,
    /// Why it was rejected, or what was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl WebhookAnswer {
    /// The answer for a request that could not be mapped.
    pub(super) fn rejected(reason: String) -> Self {
        Self {
            outcome: DeliveryOutcome::Rejected,
            event_id: None,
            enrollments: None,
            reason: Some(reason),
        }
    }

    /// The answer for an item, with a remark on it.
    pub(super) fn of(outcome: ItemOutcome, remark: Option<&str>) -> Self {
        let answer = |outcome, event_id, enrollments| Self {
            outcome,
            event_id,
            enrollments,
            reason: remark.map(str::to_owned),
        };
        match outcome {
            ItemOutcome::Accepted { event_id, started } => {
                answer(DeliveryOutcome::Accepted, event_id, event_id.map(|_| started))
            }
            ItemOutcome::Repeated(id) => answer(DeliveryOutcome::Repeated, Some(id), None),
            ItemOutcome::Unreachable => answer(DeliveryOutcome::Unreachable, None, None),
            ItemOutcome::Rejected(errors) => Self::rejected(errors.to_string()),
        }
    }
}
