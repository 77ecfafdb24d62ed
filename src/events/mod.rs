//! Events: actions of contacts, reported from outside. A report is a [`NewEvent`], a stored one an
//! [`Event`]. Start with [`record()`], which stores reports in bulk; the caller passes new events
//! to `automations::enroll` in the same transaction.

mod event;
mod fields;
mod of_source;
mod recency;
mod record;

pub use event::{ContactRef, Event, NewEvent, find, find_many, newest, of_contact};
pub use fields::{ClientId, EventName, MAX_PROPERTIES_BYTES, Properties};
pub use of_source::recent_of_source;
pub use recency::{MAX_AGE_SECONDS, Recency, is_within};
pub use record::{
    MAX_EVENTS, RecordOutcome, RecordedBatch, RecordedEvent, find_by_client_id,
    is_client_id_conflict, record, record_fresh,
};
