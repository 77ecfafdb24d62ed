//! Events: what contacts did, reported from outside.
//!
//! [`record()`] stores reports in bulk; the edge hands what is new to `automations::enroll` in the
//! same transaction.

mod fields;
mod record;
mod store;
mod timing;

pub use fields::{ClientId, EventName, MAX_PROPERTIES_BYTES, Properties};
pub use record::{MAX_EVENTS, Outcome, Recorded, RecordedNow, record, was_quicker};
pub use store::{find, find_many, newest, of_contact};
pub use timing::{MAX_AGE_SECONDS, Timing, is_within};

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde_json::Value;

use crate::contacts::ExternalId;
use crate::types::id::{ContactId, EventId};
use crate::types::phone::PhoneNumber;

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::events)]
pub struct Event {
    /// Our id.
    pub id: EventId,
    /// The id that the reporting program gave it, if it did.
    pub client_id: Option<String>,
    /// What happened, such as `order_completed`.
    pub name: EventName,
    /// Who did it.
    pub contact_id: ContactId,
    /// Details: an object.
    pub properties: Value,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was reported.
    pub received_at: DateTime<Utc>,
}

/// A report of an event, read and checked.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The reporting program's own id: a repeat of it is a no-op.
    pub client_id: Option<ClientId>,
    /// What happened.
    pub name: EventName,
    /// Who did it.
    pub contact: ContactRef,
    /// Details.
    pub properties: Properties,
    /// When it happened; none means now.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// How a report names its contact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContactRef {
    /// By our id; it must exist.
    Id(ContactId),
    /// By number; an unknown one becomes a contact.
    Phone(PhoneNumber),
    /// By the id that another system gave it; it must exist.
    ExternalId(ExternalId),
}
