//! The API reference: the page at `/api`, which is rendered from the OpenAPI document, so that it
//! works without scripts and needs nothing from elsewhere. Start with [`ApiReferencePage`];
//! `operations` and `schemas` turn the document into what the page shows.

mod description;
mod example_bodies;
mod operations;
mod schemas;

use std::sync::LazyLock;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use serde::Serialize;
use serde_json::Value;

use super::curl::{self, KEY_PLACEHOLDER};
use super::error_pages;
use crate::types::public_url::PublicUrl;
use crate::web::{Page, PageResult, Viewer, Visit, api};
use operations::{ErrorView, OperationGroup};
use schemas::SchemaView;

/// Mounts `/api`, outside of the scope of the other pages: the scope of the API would answer it
/// otherwise.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/api").wrap(from_fn(error_pages::show)).wrap(Compress::default()).get(show),
    );
}

/// The page with all calls of the API.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ApiReferencePage {
    base_url: String,
    /// The address of the OpenAPI document.
    document_url: String,
    /// A first call.
    curl: String,
    groups: Vec<OperationGroup>,
    /// The statuses of errors that operations share.
    error_statuses: Vec<ErrorView>,
    schemas: Vec<SchemaView>,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let page = ApiReferencePage::new(&visit.context.config.public_url);
    visit.page(&page)
}

/// The OpenAPI document as JSON.
fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(api::document()).unwrap_or_default());
    &DOCUMENT
}

impl ApiReferencePage {
    fn new(public_url: &PublicUrl) -> Self {
        let base_url = public_url.join("/api/v1");
        let document = document();
        Self {
            document_url: format!("{base_url}/openapi.json"),
            curl: curl::command("GET", &format!("{base_url}/messages"), KEY_PLACEHOLDER, None),
            groups: operations::groups(document, &base_url),
            error_statuses: operations::errors(document),
            schemas: schemas::all(document),
            base_url,
        }
    }
}

impl Page for ApiReferencePage {
    const TEMPLATE: &'static str = "ui/api_reference.html";
}

#[cfg(debug_assertions)]
#[path = "samples/api_reference.rs"]
mod samples;
