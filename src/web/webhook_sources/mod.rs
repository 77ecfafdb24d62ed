//! Webhooks of sources: `POST` or `PUT /in/{id}`, with JSON or a form. A request is verified,
//! mapped and recorded, and answered after the commit. Start reading at [`handler`].

mod handler;
mod incoming_request;
mod replay_delivery;
mod response;

pub(super) use handler::routes;
pub(in crate::web) use replay_delivery::replay_delivery;
