//! The style guide: every component in every state, in both themes. Debug builds and the demo show
//! it.

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::web::http::assets;
use crate::web::http::error::PageError;
use crate::web::{Page, PageResult, Viewer, Visit};

/// Mounts `/style-guide`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/style-guide").get(show));
}

/// The style guide.
#[derive(Debug, Serialize)]
pub(in crate::web) struct StyleGuidePage {
    /// The names of all icons.
    icons: Vec<String>,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    if !visit.has_style_guide() {
        return Err(PageError::NotFound("page"));
    }
    visit.page(&StyleGuidePage { icons: assets::icon_names() })
}

impl Page for StyleGuidePage {
    const TEMPLATE: &'static str = "ui/style_guide.html";
}

#[cfg(debug_assertions)]
#[path = "samples/style_guide.rs"]
mod samples;
