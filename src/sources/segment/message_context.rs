//! What a message does not say itself.

use chrono::{DateTime, Utc};

use super::mapping::SegmentMapping;
use crate::sources::ItemDefaults;
use crate::types::id::SourceId;

/// What is known about a message from elsewhere: its source, its request and the time.
#[derive(Debug, Clone, Copy)]
pub struct MessageContext<'a> {
    /// The settings of the source.
    pub mapping: &'a SegmentMapping,
    /// The settings of the organization.
    pub defaults: ItemDefaults,
    /// The source, whose id makes message ids unique.
    pub source_id: SourceId,
    /// When the request was sent, by the clock of its sender.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the request arrived.
    pub now: DateTime<Utc>,
}
