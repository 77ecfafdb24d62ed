//! Sources, their counts and their deliveries in responses of the API.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::request::{SourceMappingBody, SourceVerificationBody};
use crate::sources::deliveries::{Delivery, DeliveryOutcome};
use crate::sources::{ItemCounts, Source, SourceKeySecret, SourceKind};
use crate::types::id::{EventId, SourceId};
use crate::types::public_url::PublicUrl;

/// A source of events and contacts, without its secrets.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(super) struct SourceBody {
    #[schema(value_type = String, format = "uuid")]
    id: SourceId,
    name: String,
    /// `segment` or `webhook`.
    #[schema(value_type = String)]
    kind: SourceKind,
    /// Whether its requests are accepted.
    enabled: bool,
    /// Where it sends its requests: of `segment` the address to which clients add `/v1/batch` and
    /// so on, of `webhook` the whole address.
    url: String,
    /// The key, which is shown only in the response that creates or replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Where its requests have the contact and the event.
    #[schema(value_type = SourceMappingBody)]
    mapping: Value,
    /// How its requests prove who sends them, with `has_secret` in place of the secret.
    #[schema(value_type = SourceVerificationBody)]
    verification: Value,
    /// When a request was last accepted or rejected, to the minute.
    last_seen_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// How many items it sent.
    counts: SourceCountsBody,
}

/// The items that a source sent: calls of Segment’s protocol, or webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceCounts)]
pub(super) struct SourceCountsBody {
    /// Today, in the organization’s time zone.
    today: ItemCountsBody,
    /// The last seven days, including today.
    last_7_days: ItemCountsBody,
}

/// The items of some days by what became of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemCounts)]
pub(super) struct ItemCountsBody {
    /// Recorded.
    accepted: i64,
    /// Events that were reported before.
    repeated: i64,
    /// About people whose phone number is not known.
    unreachable: i64,
    /// Refused, each with a reason.
    rejected: i64,
}

/// The last deliveries of a source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceDeliveries)]
pub(super) struct DeliveriesBody {
    /// At most 100, the newest first.
    items: Vec<DeliveryBody>,
}

/// What a source sent, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceDelivery)]
pub(super) struct DeliveryBody {
    /// Identifies the delivery; later ones have higher numbers.
    number: i64,
    received_at: DateTime<Utc>,
    /// `accepted`, `repeated`, `unreachable` (the phone number is not known) or `rejected`.
    #[schema(value_type = String)]
    outcome: DeliveryOutcome,
    /// Why it was rejected.
    reason: Option<String>,
    /// The event that it became.
    #[schema(value_type = Option<String>, format = "uuid")]
    event_id: Option<EventId>,
    /// When it was replayed.
    replayed_at: Option<DateTime<Utc>>,
    /// The body as text, as far as it is kept.
    body: String,
}

impl SourceBody {
    /// Creates the response for a source with its counts of today and of the last seven days.
    pub(super) fn new(
        source: Source,
        today: ItemCounts,
        last_7_days: ItemCounts,
        public_url: &PublicUrl,
    ) -> Self {
        let url = match source.kind {
            SourceKind::Segment => public_url.as_str().to_owned(),
            SourceKind::Webhook => public_url.join(&format!("/in/{}", source.id)),
        };
        let mut verification = source.verification;
        verification["has_secret"] = source.verification_secret.is_some().into();
        Self {
            id: source.id,
            name: source.name,
            kind: source.kind,
            enabled: source.enabled,
            url,
            key: None,
            mapping: source.mapping,
            verification,
            last_seen_at: source.last_seen_at,
            created_at: source.created_at,
            counts: SourceCountsBody { today: today.into(), last_7_days: last_7_days.into() },
        }
    }

    /// Returns the same response with the key that was just made.
    pub(super) fn with_key(self, key: &SourceKeySecret) -> Self {
        Self { key: Some(key.expose().to_owned()), ..self }
    }
}

impl From<ItemCounts> for ItemCountsBody {
    fn from(counts: ItemCounts) -> Self {
        let ItemCounts { accepted, repeated, unreachable, rejected } = counts;
        Self { accepted, repeated, unreachable, rejected }
    }
}

impl From<Vec<Delivery>> for DeliveriesBody {
    fn from(deliveries: Vec<Delivery>) -> Self {
        Self { items: deliveries.into_iter().map(DeliveryBody::from).collect() }
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        Self {
            number: delivery.number,
            received_at: delivery.received_at,
            outcome: delivery.outcome,
            reason: delivery.reason,
            event_id: delivery.event_id,
            replayed_at: delivery.replayed_at,
            body: String::from_utf8_lossy(&delivery.body).into_owned(),
        }
    }
}
