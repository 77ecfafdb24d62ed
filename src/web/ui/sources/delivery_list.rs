//! The newest deliveries of a source: what became of each, why, and replaying one.

use actix_web::web::Path;
use serde::Serialize;

use super::delivery_view::DeliveryView;
use super::source_view::SourceView;
use crate::sources;
use crate::sources::deliveries::{self, Delivery, DeliveryOutcome, MAX_DELIVERIES};
use crate::types::id::SourceId;
use crate::web::webhook_sources::replay_delivery;
use crate::web::{Marketer, Page, PageResult, Viewer, Visit};

/// The list of deliveries.
#[derive(Debug, Serialize)]
pub(in crate::web) struct DeliveryListPage {
    source: SourceView,
    deliveries: Vec<DeliveryView>,
}

pub(super) async fn list(visit: Visit<Viewer>, id: Path<SourceId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let deliveries = deliveries::list(&mut conn, *id, MAX_DELIVERIES).await?;
    drop(conn);
    let view = |delivery: &Delivery| DeliveryView::new(delivery, source.kind);
    let deliveries = deliveries.iter().map(view).collect();
    let source = SourceView::new(&source, &visit.context.config.public_url);
    visit.page(&DeliveryListPage { source, deliveries })
}

pub(super) async fn replay(visit: Visit<Marketer>, path: Path<(SourceId, i64)>) -> PageResult {
    let (id, number) = path.into_inner();
    let (actor, now) = (visit.actor(), visit.now());
    let handover = &visit.context.handover;
    let mut conn = visit.conn().await?;
    let replayed = replay_delivery(&mut conn, handover, &actor, (id, number), now).await?;
    drop(conn);
    let list = visit.redirect(format!("/sources/{id}/deliveries"));
    let delivery = visit.redirect(format!("/sources/{id}/deliveries/{number}"));
    match replayed.outcome {
        DeliveryOutcome::Accepted => list.flash("Replayed. It is recorded now."),
        DeliveryOutcome::Repeated => {
            list.flash("Replayed. Its id was reported meanwhile, so nothing changed.")
        }
        DeliveryOutcome::Unreachable => {
            delivery.warning("Replayed, but nothing is recorded: it still names no phone number.")
        }
        DeliveryOutcome::Rejected => {
            delivery.warning("Replayed and rejected again. Mend the mapping, then try once more.")
        }
    }
}

impl Page for DeliveryListPage {
    const TEMPLATE: &'static str = "ui/sources/delivery_list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/delivery_list.rs"]
mod samples;
