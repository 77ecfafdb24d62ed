//! The webhooks that were rejected, of a connection or of none: why, and what to do.

use actix_web::web::{self, Path, ServiceConfig};
use serde::Serialize;

use super::view::ConnectionView;
use crate::connections;
use crate::connections::webhooks::{self, RejectedWebhook};
use crate::types::id::ConnectionId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// Mounts the lists; before the page of a connection, whose id may be any word.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/rejected").get(list_strays))
        .service(web::resource("/connections/{id}/rejected").get(list));
}

/// The newest rejected webhooks.
#[derive(Debug, Serialize)]
pub(in crate::web) struct RejectedPage {
    /// None for those that name no connection that exists.
    connection: Option<ConnectionView>,
    webhooks: Vec<Row>,
    /// How many are listed at most.
    limit: i64,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    webhook: RejectedWebhook,
    advice: &'static str,
}

/// As many as a person looks through.
const LIMIT: i64 = 200;

async fn list(visit: Visit<Viewer>, id: Path<ConnectionId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let connection = connections::find(&mut conn, *id).await?;
    let webhooks = webhooks::list(&mut conn, Some(*id), LIMIT).await?;
    drop(conn);
    visit.page(&RejectedPage::new(Some(connection.into()), webhooks))
}

async fn list_strays(visit: Visit<Viewer>) -> PageResult {
    let webhooks = webhooks::list(&mut *visit.conn().await?, None, LIMIT).await?;
    visit.page(&RejectedPage::new(None, webhooks))
}

impl RejectedPage {
    fn new(connection: Option<ConnectionView>, webhooks: Vec<RejectedWebhook>) -> Self {
        Self { connection, webhooks: webhooks.into_iter().map(Row::from).collect(), limit: LIMIT }
    }
}

impl From<RejectedWebhook> for Row {
    fn from(webhook: RejectedWebhook) -> Self {
        Self { advice: webhook.reason.advice(), webhook }
    }
}

impl Page for RejectedPage {
    const TEMPLATE: &'static str = "ui/connections/rejected.html";
}

#[cfg(debug_assertions)]
#[path = "samples/rejected.rs"]
mod samples;
