//! Whether whoever asked is still there.
//!
//! An answer that takes long while nothing of it can be written does not notice that nobody waits
//! for it any more: only the connection itself tells.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::server::connections::HttpConnection;

/// The connection of a request.
#[derive(Clone)]
pub(in crate::web) struct Wire(Arc<HttpConnection>);

impl Wire {
    /// The connection that a request came by; none in tests without a server.
    pub(in crate::web) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Arc<HttpConnection>>().cloned().map(Self)
    }

    /// Whether the other side has hung up.
    pub(in crate::web) fn is_cut(&self) -> bool {
        self.0.is_hung_up()
    }
}
