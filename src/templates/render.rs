//! Renders saved templates, parsing each version once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::error::{RenderError, TemplateError};
use super::media::{MediaUrl, render_media};
use super::{Template, TemplateBody, Variables, sample_event};
use crate::types::id::TemplateId;

/// Parsed versions kept, about 20 kB each.
const CAPACITY: usize = 1_000;

/// Renders templates; cheap to clone, shared by all threads.
#[derive(Clone, Default)]
pub struct Renderer(Arc<RwLock<Parsed>>);

/// A message as a template makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The addresses of its media.
    pub media_urls: Vec<String>,
}

type Version = (TemplateId, i32);

/// A version's text never changes, so that what is here never goes stale.
#[derive(Default)]
struct Parsed {
    versions: HashMap<Version, Arc<SavedText>>,
    /// Oldest first.
    order: VecDeque<Version>,
}

/// What a version has, parsed.
struct SavedText {
    body: TemplateBody,
    media: Vec<MediaUrl>,
}

impl Renderer {
    /// Text and media of a message; the error's sentence is the reason why there are none.
    pub fn render(
        &self,
        template: &Template,
        variables: &Variables<'_>,
    ) -> Result<Rendered, RenderError> {
        let saved = self.saved(template)?;
        Ok(Rendered {
            text: saved.body.render(variables)?,
            media_urls: render_media(&saved.media, variables)?,
        })
    }

    /// The same without the template's own media, for a message that has others.
    pub fn render_text(
        &self,
        template: &Template,
        variables: &Variables<'_>,
    ) -> Result<String, RenderError> {
        self.saved(template)?.body.render(variables)
    }

    fn saved(&self, template: &Template) -> Result<Arc<SavedText>, RenderError> {
        let version = (template.id, template.version);
        // A panic while the lock is held leaves at worst one version unparsed: the map stays sound.
        if let Some(saved) =
            self.0.read().unwrap_or_else(PoisonError::into_inner).versions.get(&version)
        {
            return Ok(Arc::clone(saved));
        }
        let saved = Arc::new(SavedText::parse(template).map_err(RenderError::Unreadable)?);
        let mut parsed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if parsed.versions.insert(version, Arc::clone(&saved)).is_none() {
            parsed.order.push_back(version);
        }
        if parsed.order.len() > CAPACITY
            && let Some(oldest) = parsed.order.pop_front()
        {
            parsed.versions.remove(&oldest);
        }
        Ok(saved)
    }
}

impl SavedText {
    fn parse(template: &Template) -> Result<Self, TemplateError> {
        let media =
            template.media_urls.iter().map(|url| MediaUrl::saved(url)).collect::<Result<_, _>>()?;
        Ok(Self { body: TemplateBody::saved(&template.body)?, media })
    }
}

/// What can be told of a saved template; of one that cannot be read any more, nothing.
impl Template {
    /// What is probably not meant as it stands, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let Ok(saved) = SavedText::parse(self) else { return Vec::new() };
        saved
            .body
            .warnings()
            .into_iter()
            .chain(saved.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// The names of the variables of text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        let Ok(saved) = SavedText::parse(self) else { return BTreeSet::new() };
        saved
            .body
            .variables()
            .into_iter()
            .chain(saved.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// Properties of an event that would fill in every `event.…` of text and media.
    pub fn sample_event(&self) -> Option<serde_json::Value> {
        let saved = SavedText::parse(self).ok()?;
        Some(sample_event(Some(&saved.body), &saved.media))
    }
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer")
    }
}
