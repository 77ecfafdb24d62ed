//! The suggestions of the command palette: the results of a search without the page around them.

use serde::Serialize;

use super::query::SearchQuery;
use super::results::SearchResults;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

/// The part of the palette below its field.
#[derive(Debug, Serialize)]
struct Suggestions {
    results: SearchResults,
}

pub(super) async fn show(visit: Visit<Viewer>, query: Query<SearchQuery>) -> PageResult {
    let results = query.results(&visit).await?;
    visit.page(&Suggestions { results })
}

impl Page for Suggestions {
    const TEMPLATE: &'static str = "ui/search/_suggestions.html";
}

#[cfg(test)]
#[cfg(debug_assertions)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::Pages;
    use crate::web::http::markup_check;
    use crate::web::ui::layout::Layout;

    #[test]
    fn suggestions_are_well_formed_and_start_with_the_path_prefix() {
        let pages = Pages::load(&PublicUrl::parse("https://example.com/sms").unwrap()).unwrap();
        for results in SearchResults::samples() {
            let html = pages.render(&Suggestions { results }, &Layout::sample()).unwrap();
            let page = format!(
                "<!doctype html><html lang=\"en\"><head><title>-</title></head><body>{html}</body></html>"
            );
            assert_eq!(markup_check::problems(&page, Some("&lt;")), Vec::<String>::new(), "{html}");
            let links = html.matches("href=\"").count();
            assert_eq!(html.matches("href=\"/sms/").count(), links, "{html}");
            assert!(html.contains("data-summary=\"") && !html.contains("<html"), "{html}");
        }
    }
}
