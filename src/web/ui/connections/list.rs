//! The list of connections, each with its senders.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::connection_view::ConnectionView;
use super::public_address::is_reachable;
use super::sender_view::SenderView;
use crate::connections::{self, rejected_webhooks};
use crate::senders::{self, Sender};
use crate::types::id::ConnectionId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The list of connections.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectionListPage {
    connections: Vec<Row>,
    /// Whether Twilio can call this installation, judging by its public address.
    is_reachable: bool,
    /// The number of webhooks of the last day that name no connection; none if no such webhook is
    /// stored.
    strays: Option<i64>,
}

/// A connection with its senders.
#[derive(Debug, Serialize)]
struct Row {
    connection: ConnectionView,
    senders: Vec<SenderView>,
}

pub(super) async fn list(visit: Visit<Viewer>) -> PageResult {
    let mut conn = visit.conn().await?;
    let connections = connections::list(&mut conn).await?;
    let mut senders: HashMap<ConnectionId, Vec<Sender>> = HashMap::new();
    for sender in senders::list(&mut conn).await? {
        senders.entry(sender.connection_id).or_default().push(sender);
    }
    let strays = if rejected_webhooks::any_without_connection(&mut conn).await? {
        Some(
            rejected_webhooks::count_since(&mut conn, None, visit.now() - TimeDelta::days(1))
                .await?,
        )
    } else {
        None
    };
    drop(conn);
    let rows = connections.into_iter().map(|connection| Row {
        senders: senders
            .remove(&connection.id)
            .unwrap_or_default()
            .into_iter()
            .map(SenderView::from)
            .collect(),
        connection: connection.into(),
    });
    let is_reachable = is_reachable(&visit.context);
    visit.page(&ConnectionListPage { connections: rows.collect(), is_reachable, strays })
}

impl Page for ConnectionListPage {
    const TEMPLATE: &'static str = "ui/connections/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
