//! Requests of sources as they wait for a transaction, and why they are refused.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::error::FieldErrors;
use crate::sources::deliveries::{NewDelivery, ReceivedDelivery};
use crate::sources::segment::{Envelope, MessageContext, SegmentMapping};
use crate::sources::{
    IngestRequest, ItemDefaults, ItemOutcome, Source, SourceKeySecret, SourceKind,
};
use crate::types::id::SourceId;
use crate::web::api::ApiError;

/// How many rejected messages of a request are kept to look at: the first show what is wrong.
const MAX_KEPT: usize = 5;

/// Why a request of a source is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceRefusal {
    /// No source has the key.
    #[error("No source has this key. It may have been replaced.")]
    UnknownKey,
    /// The key is that of a webhook.
    #[error("This is the key of a webhook. Create a source for Segment’s protocol.")]
    NotSegment,
    /// The source is disabled.
    #[error("This source is disabled. An admin can enable it again.")]
    Disabled,
    /// More requests wait than can be recorded soon.
    #[error(
        "Nothing was recorded, since too many requests arrive. Send it again in a few seconds."
    )]
    Busy,
    /// The database does not answer.
    #[error(
        "Nothing was recorded, since the database doesn’t answer. Send it again in a few seconds."
    )]
    Unavailable,
    /// A fault of the server, which the log describes.
    #[error("Something went wrong on the server. Its log says what.")]
    Failed,
}

impl From<SourceRefusal> for ApiError {
    fn from(refusal: SourceRefusal) -> Self {
        let code = match refusal {
            SourceRefusal::UnknownKey => "unauthorized",
            SourceRefusal::NotSegment | SourceRefusal::Disabled => "forbidden",
            SourceRefusal::Busy => return Self::busy(),
            SourceRefusal::Unavailable => "unavailable",
            SourceRefusal::Failed => "internal",
        };
        Self::new(refusal.status(), code, refusal.to_string())
    }
}

impl SourceRefusal {
    /// The status of the answer.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::NotSegment | Self::Disabled => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A request that waits to be recorded.
pub(super) enum SourceRequest {
    /// Messages whose source, and so their mapping, is only known by the key.
    Messages(SourceKeySecret, Envelope),
    /// Items whose source is known already.
    Items(IngestRequest),
}

/// A request whose items can be recorded, and which of its messages were refused before.
pub(super) struct ReadyRequest {
    request: IngestRequest,
    /// Rejected messages to look at, each as a request without items.
    kept: Vec<IngestRequest>,
    /// For each message of the request, what was wrong with it.
    refused: Vec<Option<FieldErrors>>,
}

impl SourceRequest {
    /// The number of items, parsed or not.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Messages(_, envelope) => envelope.items().len(),
            Self::Items(request) => request.items.len(),
        }
    }

    /// The key by which the source is to be found.
    pub(super) const fn key(&self) -> Option<&SourceKeySecret> {
        match self {
            Self::Messages(key, _) => Some(key),
            Self::Items(_) => None,
        }
    }
}

impl ReadyRequest {
    /// A request whose items are parsed.
    pub(super) fn of_items(request: IngestRequest) -> Self {
        let refused = vec![None; request.items.len()];
        Self { request, kept: Vec::new(), refused }
    }

    /// Parses the messages of a source, if it accepts them.
    pub(super) fn of_messages(
        source: Option<Source>,
        envelope: &Envelope,
        defaults: ItemDefaults,
        now: DateTime<Utc>,
    ) -> Result<Self, SourceRefusal> {
        let source = source.ok_or(SourceRefusal::UnknownKey)?;
        if source.kind != SourceKind::Segment {
            return Err(SourceRefusal::NotSegment);
        }
        if !source.enabled {
            return Err(SourceRefusal::Disabled);
        }
        // Checked when it was saved.
        let mapping = SegmentMapping::parse(&source.mapping).unwrap_or_default();
        let context = MessageContext {
            mapping: &mapping,
            defaults,
            source_id: source.id,
            sent_at: None,
            now,
        };
        let (mut items, mut kept, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (parsed, message) in envelope.parse_items(&context).into_iter().zip(envelope.items()) {
            refused.push(match parsed {
                Ok(item) => {
                    items.push(item);
                    None
                }
                Err(errors) => {
                    if kept.len() < MAX_KEPT {
                        kept.push(rejected(source.id, message, &errors));
                    }
                    Some(errors)
                }
            });
        }
        let rejected = u32::try_from(refused.len() - items.len() - kept.len()).unwrap_or(u32::MAX);
        let request = IngestRequest { source_id: source.id, items, rejected, delivery: None };
        Ok(Self { request, kept, refused })
    }

    /// Splits off what is to be recorded, and what the answer needs. All items are in the first
    /// request.
    pub(super) fn split(self) -> (Vec<IngestRequest>, Vec<Option<FieldErrors>>) {
        let requests = std::iter::once(self.request).chain(self.kept).collect();
        (requests, self.refused)
    }
}

/// A rejected message as a request that is only counted, and kept to look at.
fn rejected(source_id: SourceId, message: &Value, errors: &FieldErrors) -> IngestRequest {
    let body = message.to_string();
    let mut delivery = ReceivedDelivery::new(Some("application/json"), json!({}), body.as_bytes());
    delivery.reason = Some(errors.to_string());
    let delivery = Some(NewDelivery::Received(delivery));
    IngestRequest { source_id, items: Vec::new(), rejected: 1, delivery }
}

/// The outcomes of all messages of a request, by those of the parsed ones.
pub(super) fn all_outcomes(
    refused: Vec<Option<FieldErrors>>,
    recorded: impl IntoIterator<Item = ItemOutcome>,
) -> Vec<ItemOutcome> {
    let mut recorded = recorded.into_iter();
    let outcome = |refused: Option<FieldErrors>| match refused {
        Some(errors) => Some(ItemOutcome::Rejected(errors)),
        None => recorded.next(),
    };
    refused.into_iter().filter_map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_stand_where_their_messages_do() {
        let refused = |field: &str| FieldErrors::default().with(field, "Wrong.");
        let outcomes = all_outcomes(
            vec![None, Some(refused("a")), None, Some(refused("b"))],
            [ItemOutcome::Unreachable, ItemOutcome::Accepted { event_id: None, started: 0 }],
        );
        assert_eq!(
            outcomes,
            [
                ItemOutcome::Unreachable,
                ItemOutcome::Rejected(refused("a")),
                ItemOutcome::Accepted { event_id: None, started: 0 },
                ItemOutcome::Rejected(refused("b")),
            ]
        );
    }
}
