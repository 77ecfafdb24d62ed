//! The page that shows the key of a source once, with code that sends with it.

use serde::Serialize;

use super::snippets::{self, ClientSnippet};
use super::source_view::SourceView;
use crate::sources::Source;
use crate::types::public_url::PublicUrl;
use crate::web::Page;

/// The page with the key of a source, which cannot be read again later.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SourceKeyPage {
    source: SourceView,
    secret: String,
    /// Whether it replaces a key that is accepted for another day.
    is_replacement: bool,
    snippets: Vec<ClientSnippet>,
}

impl SourceKeyPage {
    /// The first key of a new source.
    pub(super) fn created(source: &Source, secret: &str, public_url: &PublicUrl) -> Self {
        Self {
            source: SourceView::new(source, public_url),
            snippets: snippets::of_source(source, secret, public_url),
            secret: secret.to_owned(),
            is_replacement: false,
        }
    }

    /// A key that replaces another one.
    pub(super) fn replaced(source: &Source, secret: &str, public_url: &PublicUrl) -> Self {
        Self { is_replacement: true, ..Self::created(source, secret, public_url) }
    }
}

impl Page for SourceKeyPage {
    const TEMPLATE: &'static str = "ui/sources/source_key.html";
}

#[cfg(debug_assertions)]
#[path = "samples/source_key.rs"]
mod samples;
