//! The API of events: what contacts did, reported one at a time or up to a thousand at once, at
//! `/events`. Requests are parsed in [`request`], answers are in [`answer`], and [`EventBatches`]
//! commits reports in batches. Start reading at [`handlers`].

mod answer;
mod event_batches;
mod handlers;
mod request;

pub use event_batches::EventBatches;
pub(super) use handlers::{EventsApi, routes};
