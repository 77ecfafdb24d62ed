//! The API of events: what contacts did, reported one at a time or up to a thousand at once, at
//! `/events`. Requests are parsed in [`request`], answers are in [`answer`], and [`EventReports`]
//! commits reports in batches. Start reading at [`handlers`].

mod answer;
mod event_reports;
mod handlers;
mod request;

pub use event_reports::EventReports;
pub(super) use handlers::{EventsApi, routes};
