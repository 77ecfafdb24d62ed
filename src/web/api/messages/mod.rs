//! The API of messages: sending a single message, and what became of every message, at `/messages`.
//! Requests are parsed in [`query`], [`request`] and [`idempotency_key`], answers are in
//! [`answer`]. Start reading at [`handlers`].

mod answer;
mod draft;
mod handlers;
mod idempotency_key;
mod query;
mod request;

pub(super) use handlers::{MessagesApi, routes};
