//! The API of connections, at `/connections`: Twilio accounts are connected, checked, renamed and
//! disabled; secrets are never returned. Requests are parsed in [`request`], responses are in
//! [`response`]. Start reading at [`handlers`].

mod handlers;
mod request;
mod response;

pub(super) use handlers::{ConnectionsApi, routes};
