//! Renders saved templates and caches parsed versions.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::error::{RenderError, TemplateError};
use super::media::{MediaUrl, render_media};
use super::{Template, TemplateBody, Variables, sample_event};
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

/// A parsed version of a template.
struct ParsedVersion {
    body: TemplateBody,
    media: Vec<MediaUrl>,
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
        let parsed = Arc::new(ParsedVersion::parse(template).map_err(RenderError::Unreadable)?);
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

impl ParsedVersion {
    fn parse(template: &Template) -> Result<Self, TemplateError> {
        let media = template
            .media_urls
            .iter()
            .map(|url| MediaUrl::parse_saved(url))
            .collect::<Result<_, _>>()?;
        Ok(Self { body: TemplateBody::parse_saved(&template.body)?, media })
    }
}

/// Properties of a saved template; empty if its text can no longer be parsed.
impl Template {
    /// Warnings about likely mistakes, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let Ok(parsed) = ParsedVersion::parse(self) else { return Vec::new() };
        parsed
            .body
            .warnings()
            .into_iter()
            .chain(parsed.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// The names of the variables in text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        let Ok(parsed) = ParsedVersion::parse(self) else { return BTreeSet::new() };
        parsed
            .body
            .variables()
            .into_iter()
            .chain(parsed.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// A sample event with a property for every `event.…` in text and media.
    pub fn sample_event(&self) -> Option<serde_json::Value> {
        let parsed = ParsedVersion::parse(self).ok()?;
        Some(sample_event(Some(&parsed.body), &parsed.media))
    }
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer")
    }
}
