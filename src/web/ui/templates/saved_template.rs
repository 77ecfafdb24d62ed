//! A saved template as its pages show it: its version, its author, and the automations that send
//! it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::preview_defaults::{MAX_USES, PreviewDefaults};
use crate::automations::AutomationStatus;
use crate::automations::template_uses::{self, TemplateUse};
use crate::db::Conn;
use crate::error::Result;
use crate::templates::Template;
use crate::templates::versions::{self, Version};
use crate::types::id::{AutomationId, TemplateId};

/// The number of versions that the editor lists; the page of versions has all.
const MAX_VERSIONS: i64 = 3;

/// A saved template, as its pages show it.
#[derive(Debug, Serialize)]
pub(super) struct SavedTemplate {
    id: TemplateId,
    name: String,
    version: i32,
    /// The user who saved the version; none if a program did.
    author: Option<String>,
    is_archived: bool,
    uses: Vec<UseRow>,
    /// The newest versions, the newest first.
    versions: Vec<VersionRow>,
    #[serde(skip)]
    preview_defaults: PreviewDefaults,
}

/// An automation that sends the template.
#[derive(Debug, Serialize)]
pub(super) struct UseRow {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    /// The steps that send it: `step 1`, `steps 1 and 3`.
    steps: String,
}

/// A version, as the editor lists it.
#[derive(Debug, Serialize)]
pub(super) struct VersionRow {
    number: i32,
    author: Option<String>,
    created_at: DateTime<Utc>,
}

impl SavedTemplate {
    pub(super) async fn load(conn: &mut Conn, template: &Template) -> Result<Self> {
        let used = template_uses::of_template(conn, template.id, MAX_USES).await?;
        let newest = versions::list(conn, template.id, None, MAX_VERSIONS).await?;
        let versions: Vec<_> = newest.into_iter().map(VersionRow::of).collect();
        Ok(Self {
            id: template.id,
            name: template.name.clone(),
            version: template.version,
            author: versions.first().and_then(|newest| newest.author.clone()),
            is_archived: template.archived_at.is_some(),
            preview_defaults: PreviewDefaults::of(conn, &used).await?,
            uses: used.into_iter().map(UseRow::of).collect(),
            versions,
        })
    }

    pub(super) fn preview_defaults(&self) -> PreviewDefaults {
        self.preview_defaults.clone()
    }
}

impl UseRow {
    fn of(used: TemplateUse) -> Self {
        Self {
            id: used.automation.id,
            name: used.automation.name,
            status: used.automation.status,
            steps: steps_text(&used.steps),
        }
    }
}

impl VersionRow {
    fn of(version: Version) -> Self {
        Self { number: version.number, author: version.author, created_at: version.created_at }
    }
}

fn steps_text(steps: &[usize]) -> String {
    let numbers: Vec<_> = steps.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [some @ .., last] if !some.is_empty() => format!("steps {} and {last}", some.join(", ")),
        one => format!("step {}", one.concat()),
    }
}

#[cfg(debug_assertions)]
#[path = "samples/saved_template.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_in_words() {
        assert_eq!(steps_text(&[2]), "step 2");
        assert_eq!(steps_text(&[1, 3]), "steps 1 and 3");
        assert_eq!(steps_text(&[1, 3, 4]), "steps 1, 3 and 4");
    }
}
