//! Detects whether the client of a long response is still connected.
//!
//! A response that writes nothing for a while does not notice that its client is gone; only the
//! connection does.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::server::connections::HttpConnection;

/// The connection of a request.
#[derive(Clone)]
pub(in crate::web) struct ClientConnection(Arc<HttpConnection>);

impl ClientConnection {
    /// The connection that a request came by; `None` in tests without a server.
    pub(in crate::web) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Arc<HttpConnection>>().cloned().map(Self)
    }

    /// Whether the client has closed the connection.
    pub(in crate::web) fn is_closed(&self) -> bool {
        self.0.is_closed_by_peer()
    }
}
