//! The API of contacts, at `/contacts`. Requests are parsed in [`query`] and [`request`], answers
//! are in [`response`]. Start reading at [`handlers`].

mod handlers;
mod query;
mod request;
mod response;

pub(super) use handlers::{ContactsApi, routes};
pub(super) use response::{ContactAnswer, contact_answer};
