//! What a preview of a saved template shows first: a contact and an event of the automations that
//! send it.

use crate::automations::template_uses::{self, TemplateUse};
use crate::automations::{self, Enrollment, EnrollmentFilter, Trigger};
use crate::db::Conn;
use crate::error::Result;
use crate::templates::Template;
use crate::types::id::ContactId;

/// The largest number of automations listed as uses of a template.
pub(super) const MAX_USES: i64 = 100;
/// The number of automations whose last enrollment is loaded.
const MAX_AUTOMATIONS: usize = 5;

/// The contact and events to preset in a preview, taken from the automations that send the
/// template.
#[derive(Debug, Clone, Default)]
pub(super) struct PreviewDefaults {
    /// The names of the events that start those automations.
    pub(super) events: Vec<String>,
    /// The contact that was enrolled last.
    pub(super) last_contact: Option<ContactId>,
}

impl PreviewDefaults {
    /// Loads the defaults of a saved template; a new one has none.
    pub(super) async fn load(conn: &mut Conn, template: Option<&Template>) -> Result<Self> {
        let Some(template) = template else { return Ok(Self::default()) };
        let used = template_uses::of_template(conn, template.id, MAX_USES).await?;
        Self::of(conn, &used).await
    }

    /// The defaults of a template that these automations send.
    pub(super) async fn of(conn: &mut Conn, used: &[TemplateUse]) -> Result<Self> {
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
