//! The API of the ledger, at `/ledger`: how many messages had which outcome, and resending those
//! that never reached a recipient. Requests are parsed in [`request`], answers are in [`answer`].
//! Start reading at [`handlers`].

mod answer;
mod handlers;
mod request;

pub(super) use handlers::{LedgerApi, routes};
