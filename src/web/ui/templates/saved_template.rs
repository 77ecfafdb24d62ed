//! A saved template: its version, author and uses, and the defaults of its preview.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::automations::uses::{self, TemplateUse};
use crate::automations::{self, AutomationStatus, Enrollment, EnrollmentFilter, Trigger};
use crate::db::Conn;
use crate::error::Result;
use crate::templates::{Template, versions};
use crate::types::id::{AutomationId, ContactId, TemplateId};

/// The largest number of automations listed as uses of a template.
pub(super) const MAX_USES: i64 = 100;
/// The number of automations whose last enrollment is loaded.
const MAX_AUTOMATIONS: usize = 5;

/// A saved template, as its pages show it.
#[derive(Debug, Serialize)]
pub(super) struct SavedTemplate {
    id: TemplateId,
    name: String,
    version: i32,
    updated_at: DateTime<Utc>,
    /// The user who saved the version; none if a program did.
    author: Option<String>,
    is_archived: bool,
    uses: Vec<UseRow>,
    #[serde(skip)]
    preview_defaults: PreviewDefaults,
}

/// The contact and events to preset in a preview, taken from the automations that send the
/// template.
#[derive(Debug, Clone, Default)]
pub(super) struct PreviewDefaults {
    /// The names of the events that start those automations.
    pub(super) events: Vec<String>,
    /// The contact that was enrolled last.
    pub(super) last_contact: Option<ContactId>,
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

impl SavedTemplate {
    pub(super) async fn load(conn: &mut Conn, template: &Template) -> Result<Self> {
        let used = uses::of_template(conn, template.id, MAX_USES).await?;
        let newest = versions::find(conn, template.id, template.version).await?;
        Ok(Self {
            id: template.id,
            name: template.name.clone(),
            version: template.version,
            updated_at: template.updated_at,
            author: newest.author,
            is_archived: template.archived_at.is_some(),
            preview_defaults: PreviewDefaults::of(conn, &used).await?,
            uses: used.into_iter().map(UseRow::of).collect(),
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

impl PreviewDefaults {
    /// Loads the defaults of a saved template; a new one has none.
    pub(super) async fn load(conn: &mut Conn, template: Option<&Template>) -> Result<Self> {
        let Some(template) = template else { return Ok(Self::default()) };
        let used = uses::of_template(conn, template.id, MAX_USES).await?;
        Self::of(conn, &used).await
    }

    async fn of(conn: &mut Conn, used: &[TemplateUse]) -> Result<Self> {
        let events = used.iter().filter_map(|used| match &used.automation.definition.trigger {
            Trigger::Event { name, .. } => name.as_ref().map(ToString::to_string),
            _ => None,
        });
        let mut last: Option<Enrollment> = None;
        for used in used.iter().take(MAX_AUTOMATIONS) {
            let newest = automations::enrollments(
                conn,
                used.automation.id,
                &EnrollmentFilter::default(),
                None,
                1,
            )
            .await?
            .pop();
            last =
                [last, newest].into_iter().flatten().max_by_key(|enrollment| enrollment.started_at);
        }
        let last_contact = last.map(|enrollment| enrollment.contact_id);
        Ok(Self { events: events.collect(), last_contact })
    }
}

/// A sentence about the automations that send a template, shown when it is archived.
pub(super) fn uses_text(used: &[TemplateUse]) -> String {
    let names: Vec<_> = used.iter().map(|used| format!("“{}”", used.automation.name)).collect();
    match names.as_slice() {
        [] => "No automation uses it.".to_owned(),
        [name] => format!("{name} goes on sending it."),
        [some @ .., last] if some.len() < 4 => {
            format!("{} and {last} go on sending it.", some.join(", "))
        }
        many => format!("{} automations go on sending it.", many.len()),
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
