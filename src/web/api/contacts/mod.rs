//! The API of contacts, at `/contacts`. Requests are parsed in [`query`] and [`request`], answers
//! are in [`answer`]. Start reading at [`handlers`].

mod answer;
mod handlers;
mod query;
mod request;

pub(super) use answer::{ContactAnswer, contact_answer};
pub(super) use handlers::{ContactsApi, routes};
