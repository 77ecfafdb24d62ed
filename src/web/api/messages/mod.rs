//! The API of messages: sending a single message, and what became of every message, at `/messages`.
//! Requests are parsed in [`query`], [`request`] and [`idempotency_key`], responses are in
//! [`response`]. Start reading at [`handlers`].

mod handlers;
mod idempotency_key;
mod query;
mod request;
mod response;

pub(super) use handlers::{MessagesApi, routes};
