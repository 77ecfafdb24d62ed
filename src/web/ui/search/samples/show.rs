//! Samples of the search page: each kind of results.

use super::SearchShowPage;
use crate::web::ui::search::results::SearchResults;
use crate::web::{Samples, Varies};

impl Samples for SearchShowPage {
    const VARIES: Varies = Varies {
        texts: &["q", "results.groups.hits.label", "results.groups.hits.detail"],
        lists: &["results.groups.hits"],
    };

    fn samples() -> Vec<Self> {
        let typed = ["", "", "Thank <you>", "SM0123456789abcdef0123456789abcdef", "12", "xxx"];
        let results = SearchResults::samples().into_iter();
        typed
            .iter()
            .zip(results)
            .map(|(typed, results)| Self { q: (*typed).to_owned(), results })
            .collect()
    }
}
