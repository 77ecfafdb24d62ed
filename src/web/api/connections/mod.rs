//! The API of connections, at `/connections`: Twilio accounts are connected, checked, renamed and
//! disabled; secrets are never returned. Requests are parsed in [`request`], answers are in
//! [`answer`]. Start reading at [`handlers`].

mod answer;
mod handlers;
mod request;

pub(super) use handlers::{ConnectionsApi, routes};
