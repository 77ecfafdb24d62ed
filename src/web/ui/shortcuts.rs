//! The keyboard shortcuts, as a page. `static/carillon.js` performs them, and shows this page as a
//! sheet when the user presses `?`.

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::web::{Page, PageResult, Viewer, Visit};

/// Mounts `/shortcuts`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/shortcuts").get(show));
}

/// The page of the shortcuts.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ShortcutsPage {}

async fn show(visit: Visit<Viewer>) -> PageResult {
    visit.page(&ShortcutsPage {})
}

impl Page for ShortcutsPage {
    const TEMPLATE: &'static str = "ui/shortcuts.html";
}

#[cfg(debug_assertions)]
#[path = "samples/shortcuts.rs"]
mod samples;
