//! The API of sources, at `/sources`: programs that speak Segment's protocol, and webhooks, with
//! their keys and their last deliveries. Requests are parsed in [`request`], responses are in
//! [`response`]. Start reading at [`handlers`].

mod handlers;
mod request;
mod response;

pub(super) use handlers::{SourcesApi, routes};
