//! The actions of a source: which of its events send which SMS. Each is an ordinary automation.

use actix_web::web::Path;
use serde::Serialize;

use super::show::MAX_ACTIONS;
use super::source_view::SourceView;
use crate::automations::{self, Automation, AutomationStatus, Step, Trigger};
use crate::sources;
use crate::types::id::{AutomationId, SourceId};
use crate::web::{Page, PageResult, Viewer, Visit};

/// The list of actions.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ActionListPage {
    source: SourceView,
    actions: Vec<ActionLine>,
}

/// An automation that events of the source start.
#[derive(Debug, Serialize)]
struct ActionLine {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    /// The event; none in a draft without one.
    event: Option<String>,
    /// The number of its messages.
    messages: usize,
    /// Whom the first message goes to, as it was written.
    to: Option<String>,
}

pub(super) async fn list(visit: Visit<Viewer>, id: Path<SourceId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let automations = automations::of_source(&mut conn, *id, MAX_ACTIONS).await?;
    drop(conn);
    let source = SourceView::new(&source, &visit.context.config.public_url);
    let actions = automations.into_iter().map(ActionLine::from).collect();
    visit.page(&ActionListPage { source, actions })
}

impl From<Automation> for ActionLine {
    fn from(automation: Automation) -> Self {
        let event = match &automation.definition.trigger {
            Trigger::Event { name, .. } => name.as_ref().map(ToString::to_string),
            _ => None,
        };
        let recipients = automation.definition.steps.iter().filter_map(|step| match step {
            Step::SendSms { to, .. } => Some(to),
            Step::Wait { .. } => None,
        });
        let mut recipients = recipients.peekable();
        let to = recipients.peek().map(ToString::to_string);
        Self {
            id: automation.id,
            name: automation.name,
            status: automation.status,
            event,
            to,
            messages: recipients.count(),
        }
    }
}

impl Page for ActionListPage {
    const TEMPLATE: &'static str = "ui/sources/action_list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/action_list.rs"]
mod samples;
