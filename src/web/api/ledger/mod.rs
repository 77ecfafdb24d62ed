//! The API of the ledger, at `/ledger`: how many messages had which outcome, and resending those
//! that never reached a recipient. Requests are parsed in [`request`], responses are in
//! [`response`]. Start reading at [`handlers`].

mod handlers;
mod request;
mod response;

pub(super) use handlers::{LedgerApi, routes};
