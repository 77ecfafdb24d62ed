//! The page of a search, which works without scripts.

use serde::Serialize;

use super::query::SearchQuery;
use super::results::SearchResults;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

/// The page of a search: the box, and the results in groups.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SearchShowPage {
    /// The text as it was typed.
    q: String,
    results: SearchResults,
}

pub(super) async fn show(visit: Visit<Viewer>, query: Query<SearchQuery>) -> PageResult {
    let results = query.results(&visit).await?;
    visit.page(&SearchShowPage { q: query.into_inner().q, results })
}

impl Page for SearchShowPage {
    const TEMPLATE: &'static str = "ui/search/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
