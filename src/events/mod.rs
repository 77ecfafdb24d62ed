//! Events: what contacts did, reported from outside.
//!
//! [`record()`] stores reports in bulk; the edge hands what is new to `automations::enroll` in the
//! same transaction.

mod event;
mod fields;
mod record;
mod timing;

pub use event::{ContactRef, Event, NewEvent, find, find_many, newest, of_contact};
pub use fields::{ClientId, EventName, MAX_PROPERTIES_BYTES, Properties};
pub use record::{MAX_EVENTS, RecordOutcome, RecordedBatch, RecordedNow, record, was_quicker};
pub use timing::{MAX_AGE_SECONDS, Timing, is_within};
