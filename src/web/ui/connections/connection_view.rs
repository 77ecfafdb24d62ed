//! A connection as pages show it, with its status.

use serde::Serialize;

use crate::connections::{Connection, Status};

/// A connection with its status.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionView {
    #[serde(flatten)]
    pub(super) connection: Connection,
    status: Status,
    is_trial: bool,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self { status: connection.status(), is_trial: connection.is_trial(), connection }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/connection_view.rs"]
mod samples;
