//! The query of a search.

use serde::Deserialize;

use super::results::SearchResults;
use crate::search::{self, SearchText};
use crate::types::id::MessageId;
use crate::web::{PageError, Viewer, Visit};

/// The query of a search.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct SearchQuery {
    pub(super) q: String,
    /// Where the search for a message by its SID continues.
    pub(super) before: Option<MessageId>,
}

impl SearchQuery {
    /// Searches for the text, among what the user's role may see.
    pub(super) async fn results(&self, visit: &Visit<Viewer>) -> Result<SearchResults, PageError> {
        let role = visit.user.role;
        let text = match SearchText::parse(&self.q, visit.organization.default_country) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(SearchResults::of_blank(role)),
            Err(problem) => return Ok(SearchResults::of_problem(problem)),
        };
        let found = search::find(&mut *visit.conn().await?, &text, self.before).await?;
        Ok(SearchResults::of(found, &text, role))
    }
}
