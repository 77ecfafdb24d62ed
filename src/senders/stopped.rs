//! The connections and senders that Carillon stopped because Twilio refuses to send, for a banner
//! on every page.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::try_join;
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::db::Conn;
use crate::db::schema::{connections, senders};
use crate::error::Result;
use crate::types::id::ConnectionId;

/// A stopped connection or sender, through which nothing is sent until an admin enables it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The stopped connection, or the one of the stopped sender.
    pub connection_id: ConnectionId,
    /// The connection's name.
    pub connection: String,
    /// The sender's address as shown to users; `None` if the whole connection is stopped.
    pub sender: Option<String>,
}

/// The stopped connections, and the stopped senders of the others. Those that a user disabled are
/// omitted.
pub async fn list_stopped(conn: &Conn) -> Result<Vec<Stopped>> {
    let of_connections = connections::table
        .filter(connections::stopped_at.is_not_null())
        .filter(connections::disabled_at.is_null())
        .select((connections::id, connections::name))
        .order(connections::name);
    let of_senders = senders::table
        .inner_join(connections::table)
        .filter(senders::stopped_at.is_not_null().and(senders::disabled_at.is_null()))
        .filter(connections::stopped_at.is_null().and(connections::disabled_at.is_null()))
        .select((connections::id, connections::name, senders::address))
        .order((connections::name, senders::id));
    // Pipelined: both queries take one round trip.
    let (mut first_conn, mut second_conn) = (conn, conn);
    let connections = of_connections.load::<(ConnectionId, String)>(&mut first_conn);
    let senders = of_senders.load::<(ConnectionId, String, SenderAddress)>(&mut second_conn);
    let (connections, senders) = try_join!(connections, senders)?;
    let connections = connections.into_iter().map(|(connection_id, connection)| Stopped {
        connection_id,
        connection,
        sender: None,
    });
    let senders = senders.into_iter().map(|(connection_id, connection, address)| Stopped {
        connection_id,
        connection,
        sender: Some(address.for_people()),
    });
    Ok(connections.chain(senders).collect())
}
