//! What Carillon has stopped because Twilio refuses it, for everybody to see.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::try_join;
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::db::Conn;
use crate::db::schema::{connections, senders};
use crate::error::Result;
use crate::types::id::ConnectionId;

/// Something through which nothing is sent until an admin has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The connection that it is, or that the sender belongs to.
    pub connection_id: ConnectionId,
    /// The connection's name.
    pub connection: String,
    /// The sender's address, for people; none when it is the whole connection.
    pub sender: Option<String>,
}

/// The connections that are stopped, and the stopped senders of the others. What a person has
/// switched off is not among them.
pub async fn stops(conn: &Conn) -> Result<Vec<Stop>> {
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
    // Asked together, which takes one round trip.
    let (mut one, mut other) = (conn, conn);
    let whole = of_connections.load::<(ConnectionId, String)>(&mut one);
    let single = of_senders.load::<(ConnectionId, String, SenderAddress)>(&mut other);
    let (whole, single) = try_join!(whole, single)?;
    let whole = whole.into_iter().map(|(connection_id, connection)| Stop {
        connection_id,
        connection,
        sender: None,
    });
    let single = single.into_iter().map(|(connection_id, connection, address)| Stop {
        connection_id,
        connection,
        sender: Some(address.for_people()),
    });
    Ok(whole.chain(single).collect())
}
