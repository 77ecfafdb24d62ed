//! The API of events: what contacts did, reported one at a time or up to a thousand at once, at
//! `/events`. Requests are parsed in [`request`], responses are in [`response`], and
//! [`EventBatches`] commits reports in batches. Start reading at [`handlers`].

mod event_batches;
mod handlers;
mod request;
mod response;

pub use event_batches::EventBatches;
pub(super) use handlers::{EventsApi, routes};
