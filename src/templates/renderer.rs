//! The renderer of saved templates, with its cache of parsed versions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::error::RenderError;
use super::media_url::render_media;
use super::parsed_version::ParsedVersion;
use super::template::Template;
use super::variables::Variables;
use crate::types::id::TemplateId;

/// Maximum number of cached versions, about 20 kB each.
const CAPACITY: usize = 1_000;

/// Renders templates; cheap to clone, shared by all threads.
#[derive(Clone, Default)]
pub struct Renderer(Arc<RwLock<ParsedVersions>>);

/// A rendered message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Its media URLs.
    pub media_urls: Vec<String>,
}

type Version = (TemplateId, i32);

/// Cache of parsed versions; never stale, because a version's text never changes.
#[derive(Default)]
struct ParsedVersions {
    versions: HashMap<Version, Arc<ParsedVersion>>,
    /// Oldest first.
    order: VecDeque<Version>,
}

impl Renderer {
    /// Renders text and media of a message; the error is shown as the message's reason.
    pub fn render(
        &self,
        template: &Template,
        variables: &Variables<'_>,
    ) -> Result<Rendered, RenderError> {
        let parsed = self.parsed_version(template)?;
        Ok(Rendered {
            text: parsed.body.render(variables)?,
            media_urls: render_media(&parsed.media, variables)?,
        })
    }

    /// Renders only the text, for a message with other media.
    pub fn render_text(
        &self,
        template: &Template,
        variables: &Variables<'_>,
    ) -> Result<String, RenderError> {
        self.parsed_version(template)?.body.render(variables)
    }

    fn parsed_version(&self, template: &Template) -> Result<Arc<ParsedVersion>, RenderError> {
        let version = (template.id, template.version);
        // The map stays consistent if a panic poisons the lock; at worst one version is parsed
        // again.
        if let Some(parsed) =
            self.0.read().unwrap_or_else(PoisonError::into_inner).versions.get(&version)
        {
            return Ok(Arc::clone(parsed));
        }
        let parsed = Arc::new(
            ParsedVersion::parse(&template.body, &template.media_urls)
                .map_err(RenderError::Unreadable)?,
        );
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.versions.insert(version, Arc::clone(&parsed)).is_none() {
            cache.order.push_back(version);
        }
        if cache.order.len() > CAPACITY
            && let Some(oldest) = cache.order.pop_front()
        {
            cache.versions.remove(&oldest);
        }
        Ok(parsed)
    }
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer")
    }
}
