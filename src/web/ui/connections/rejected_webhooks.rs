//! The rejected webhooks of a connection, or of none: the reason for each, and what to do.

use actix_web::web::{self, Path, ServiceConfig};
use serde::Serialize;

use super::connection_view::ConnectionView;
use crate::connections;
use crate::connections::rejected_webhooks::{self, RejectedWebhook};
use crate::types::id::ConnectionId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// Mounts the lists. They come before the page of a connection, whose path parameter matches any
/// word.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/rejected").get(list_without_connection))
        .service(web::resource("/connections/{id}/rejected").get(list));
}

/// The page that lists the newest rejected webhooks.
#[derive(Debug, Serialize)]
pub(in crate::web) struct RejectedWebhooksPage {
    /// None for webhooks that name no existing connection.
    connection: Option<ConnectionView>,
    webhooks: Vec<Row>,
    /// The largest number of webhooks in the list.
    limit: i64,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    webhook: RejectedWebhook,
    advice: &'static str,
}

/// The largest number of webhooks in the list.
const LIMIT: i64 = 200;

async fn list(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let connection = connections::find(&mut conn, *id).await?;
    let webhooks = rejected_webhooks::list(&mut conn, Some(*id), LIMIT).await?;
    drop(conn);
    visit.page(&RejectedWebhooksPage::new(Some(connection.into()), webhooks))
}

async fn list_without_connection(visit: Visit<Viewer>) -> PageResult {
    let webhooks = rejected_webhooks::list(&mut *visit.conn().await?, None, LIMIT).await?;
    visit.page(&RejectedWebhooksPage::new(None, webhooks))
}

impl RejectedWebhooksPage {
    fn new(connection: Option<ConnectionView>, webhooks: Vec<RejectedWebhook>) -> Self {
        Self { connection, webhooks: webhooks.into_iter().map(Row::from).collect(), limit: LIMIT }
    }
}

impl From<RejectedWebhook> for Row {
    fn from(webhook: RejectedWebhook) -> Self {
        Self { advice: webhook.reason.advice(), webhook }
    }
}

impl Page for RejectedWebhooksPage {
    const TEMPLATE: &'static str = "ui/connections/rejected_webhooks.html";
}

#[cfg(debug_assertions)]
#[path = "samples/rejected_webhooks.rs"]
mod samples;
