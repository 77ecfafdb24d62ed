//! The list of sources, with what each sent within a week.

use std::collections::HashMap;

use serde::Serialize;

use super::source_view::SourceView;
use crate::ledger::Days;
use crate::sources::{self, ItemCounts, Source, counts};
use crate::types::id::SourceId;
use crate::types::public_url::PublicUrl;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The list of sources.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SourceListPage {
    sources: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    source: SourceView,
    /// The items of seven days, today included.
    accepted: i64,
    rejected: i64,
}

pub(super) async fn list(visit: Visit<Viewer>) -> PageResult {
    let mut conn = visit.conn().await?;
    let sources = sources::list(&mut conn).await?;
    let week = Days::last(7, visit.now(), visit.organization.day_zone);
    let totals = counts::totals(&mut conn, week.begin()).await?;
    drop(conn);
    let page = SourceListPage::new(&sources, &totals, &visit.context.config.public_url);
    visit.page(&page)
}

impl SourceListPage {
    fn new(
        sources: &[Source],
        totals: &HashMap<SourceId, ItemCounts>,
        public_url: &PublicUrl,
    ) -> Self {
        let row = |source: &Source| {
            let counted = totals.get(&source.id).copied().unwrap_or_default();
            Row {
                source: SourceView::new(source, public_url),
                accepted: counted.accepted,
                rejected: counted.rejected,
            }
        };
        Self { sources: sources.iter().map(row).collect() }
    }
}

impl Page for SourceListPage {
    const TEMPLATE: &'static str = "ui/sources/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
