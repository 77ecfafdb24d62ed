//! A template as it is saved: its version, who wrote it, and where it is used.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::automations::uses::{self, TemplateUse};
use crate::automations::{self, AutomationStatus, Enrollment, EnrollmentFilter, Trigger};
use crate::db::Conn;
use crate::error::Result;
use crate::templates::{Template, versions};
use crate::types::id::{AutomationId, ContactId, TemplateId};

/// Automations that are named where a template is used.
pub(super) const USES: i64 = 100;
/// Automations that are asked who came in last.
const LOOKED_AT: usize = 5;

/// The template as it is saved.
#[derive(Debug, Serialize)]
pub(super) struct Saved {
    id: TemplateId,
    name: String,
    version: i32,
    updated_at: DateTime<Utc>,
    /// Who saved the version, if a person did.
    author: Option<String>,
    is_archived: bool,
    uses: Vec<UseRow>,
    #[serde(skip)]
    way: Way,
}

/// How contacts come to a template: through the automations that send it.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    /// The names of the events that start them.
    pub(super) events: Vec<String>,
    /// Who came in last.
    pub(super) last: Option<ContactId>,
}

/// An automation that sends it.
#[derive(Debug, Serialize)]
pub(super) struct UseRow {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    /// `step 1`, `steps 1 and 3`
    steps: String,
}

impl Saved {
    pub(super) async fn load(conn: &mut Conn, template: &Template) -> Result<Self> {
        let used = uses::of_template(conn, template.id, USES).await?;
        let newest = versions::find(conn, template.id, template.version).await?;
        Ok(Self {
            id: template.id,
            name: template.name.clone(),
            version: template.version,
            updated_at: template.updated_at,
            author: newest.author,
            is_archived: template.archived_at.is_some(),
            way: Way::of(conn, &used).await?,
            uses: used.into_iter().map(UseRow::of).collect(),
        })
    }

    pub(super) fn way(&self) -> Way {
        self.way.clone()
    }
}

impl UseRow {
    fn of(used: TemplateUse) -> Self {
        Self {
            id: used.automation.id,
            name: used.automation.name,
            status: used.automation.status,
            steps: step_words(&used.steps),
        }
    }
}

impl Way {
    /// The way to a saved template; there is none to a new one.
    pub(super) async fn to(conn: &mut Conn, template: Option<&Template>) -> Result<Self> {
        let Some(template) = template else { return Ok(Self::default()) };
        let used = uses::of_template(conn, template.id, USES).await?;
        Self::of(conn, &used).await
    }

    async fn of(conn: &mut Conn, used: &[TemplateUse]) -> Result<Self> {
        let events = used.iter().filter_map(|used| match &used.automation.definition.trigger {
            Trigger::Event { name, .. } => name.as_ref().map(ToString::to_string),
            _ => None,
        });
        let mut last: Option<Enrollment> = None;
        for used in used.iter().take(LOOKED_AT) {
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
        Ok(Self { events: events.collect(), last: last.map(|enrollment| enrollment.contact_id) })
    }
}

/// What is said of the automations that send a template when it is put away.
pub(super) fn said_of(used: &[TemplateUse]) -> String {
    let names: Vec<_> = used.iter().map(|used| format!("“{}”", used.automation.name)).collect();
    match names.as_slice() {
        [] => "No automation uses it.".to_owned(),
        [one] => format!("{one} goes on sending it."),
        [some @ .., last] if some.len() < 4 => {
            format!("{} and {last} go on sending it.", some.join(", "))
        }
        many => format!("{} automations go on sending it.", many.len()),
    }
}

fn step_words(steps: &[usize]) -> String {
    let numbers: Vec<_> = steps.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [some @ .., last] if !some.is_empty() => format!("steps {} and {last}", some.join(", ")),
        one => format!("step {}", one.concat()),
    }
}

#[cfg(debug_assertions)]
#[path = "samples/saved.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_in_words() {
        assert_eq!(step_words(&[2]), "step 2");
        assert_eq!(step_words(&[1, 3]), "steps 1 and 3");
        assert_eq!(step_words(&[1, 3, 4]), "steps 1, 3 and 4");
    }
}
