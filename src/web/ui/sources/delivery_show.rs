//! One delivery of a source: its headers and its body.

use actix_web::web::Path;
use serde::Serialize;
use serde_json::Value;

use super::delivery_view::{DeliveryView, readable_body};
use super::source_view::SourceView;
use crate::sources;
use crate::sources::deliveries::{self, Delivery};
use crate::types::id::SourceId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The page of one delivery.
#[derive(Debug, Serialize)]
pub(in crate::web) struct DeliveryShowPage {
    source: SourceView,
    delivery: DeliveryView,
    content_type: Option<String>,
    headers: Vec<DeliveryHeader>,
    body: String,
}

#[derive(Debug, Serialize)]
struct DeliveryHeader {
    name: String,
    value: String,
}

pub(super) async fn show(visit: Visit<Viewer>, path: Path<(SourceId, i64)>) -> PageResult {
    let (id, number) = path.into_inner();
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, id).await?;
    let delivery = deliveries::find(&mut conn, id, number).await?;
    drop(conn);
    let source = SourceView::new(&source, &visit.context.config.public_url);
    visit.page(&DeliveryShowPage::new(source, &delivery))
}

impl DeliveryShowPage {
    fn new(source: SourceView, delivery: &Delivery) -> Self {
        let header = |(name, value): (&String, &Value)| DeliveryHeader {
            name: name.clone(),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        Self {
            delivery: DeliveryView::new(delivery, source.kind),
            source,
            content_type: delivery.content_type.clone(),
            headers: delivery.headers.as_object().into_iter().flatten().map(header).collect(),
            body: readable_body(&delivery.body),
        }
    }
}

impl Page for DeliveryShowPage {
    const TEMPLATE: &'static str = "ui/sources/delivery_show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/delivery_show.rs"]
mod samples;
