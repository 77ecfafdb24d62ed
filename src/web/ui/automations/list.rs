//! The list of automations.

use serde::{Deserialize, Serialize};

use super::labels;
use crate::automations::counts::{self, MAX_ROUGH};
use crate::automations::{self, AutomationStatus};
use crate::types::id::AutomationId;
use crate::web::{Page, PageResult, Query, Viewer, Visit, quantities};

const PER_PAGE: usize = 50;

/// The query of the list: the id of the last automation on the page before.
#[derive(Debug, Deserialize)]
pub(super) struct AutomationListQuery {
    before: Option<AutomationId>,
}

/// The page that lists all automations, the newest first.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationListPage {
    automations: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    trigger: String,
    enrollments: String,
    messages: String,
}

pub(super) async fn list(visit: Visit<Viewer>, position: Query<AutomationListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(PER_PAGE).unwrap_or(i64::MAX);
    let mut found = automations::list(&mut conn, position.before, limit + 1).await?;
    let more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let ids: Vec<AutomationId> = found.iter().map(|automation| automation.id).collect();
    let counts = counts::find_many(&mut conn, &ids).await?;
    drop(conn);
    let row = |automation: automations::Automation| {
        let counts = counts.get(&automation.id).copied().unwrap_or_default();
        Row {
            id: automation.id,
            name: automation.name,
            status: automation.status,
            trigger: labels::trigger(&automation.definition.trigger),
            enrollments: quantities::capped_count(counts.enrollments, MAX_ROUGH),
            messages: quantities::capped_count(counts.messages, MAX_ROUGH),
        }
    };
    let page = AutomationListPage {
        automations: found.into_iter().map(row).collect(),
        newer: position.before.map(|_| "/automations".to_owned()),
        older: ids.last().filter(|_| more).map(|last| format!("/automations?before={last}")),
    };
    visit.page(&page)
}

impl Page for AutomationListPage {
    const TEMPLATE: &'static str = "ui/automations/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
