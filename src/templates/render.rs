//! Renders saved templates, parsing each version once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
};

use super::{RenderError, Template, TemplateBody, Variables};
use crate::types::id::TemplateId;

/// Parsed versions kept, about 20 kB each.
const CAPACITY: usize = 1_000;

/// Renders templates; cheap to clone, shared by all threads.
#[derive(Clone, Default)]
pub struct Renderer(Arc<RwLock<Parsed>>);

type Version = (TemplateId, i32);

/// A version's text never changes, so that what is here never goes stale.
#[derive(Default)]
struct Parsed {
    bodies: HashMap<Version, Arc<TemplateBody>>,
    /// Oldest first.
    order: VecDeque<Version>,
}

impl Renderer {
    /// The text of a message; the error's sentence is the reason why there is none.
    pub fn render(&self, template: &Template, variables: &Variables<'_>) -> Result<String, RenderError> {
        self.body(template)?.render(variables)
    }

    /// The parsed body of this version of the template.
    pub fn body(&self, template: &Template) -> Result<Arc<TemplateBody>, RenderError> {
        let version = (template.id, template.version);
        // A panic while the lock is held leaves at worst one version unparsed: the map stays sound.
        if let Some(body) = self.0.read().unwrap_or_else(PoisonError::into_inner).bodies.get(&version) {
            return Ok(Arc::clone(body));
        }
        let body = Arc::new(TemplateBody::parse(&template.body).map_err(RenderError::Unreadable)?);
        let mut parsed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if parsed.bodies.insert(version, Arc::clone(&body)).is_none() {
            parsed.order.push_back(version);
        }
        if parsed.order.len() > CAPACITY
            && let Some(oldest) = parsed.order.pop_front()
        {
            parsed.bodies.remove(&oldest);
        }
        Ok(body)
    }
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer")
    }
}
