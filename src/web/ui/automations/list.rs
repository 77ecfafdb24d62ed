//! The list of automations.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::sentences;
use crate::automations::counts::last_activity;
use crate::automations::{self, AutomationStatus};
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Counts, Days, Grouping, LedgerFilter, LedgerKey};
use crate::types::id::AutomationId;
use crate::web::ui::ledger::percent;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

const PER_PAGE: usize = 50;

/// The number of days, up to today, whose messages are counted.
const DAYS: i64 = 30;

/// The query of the list: the id of the last automation on the page before, and which ones.
#[derive(Debug, Deserialize)]
pub(super) struct AutomationListQuery {
    before: Option<AutomationId>,
    /// Whether to list the archived ones.
    #[serde(default)]
    archived: bool,
}

/// The page that lists all automations, the newest first.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationListPage {
    automations: Vec<Row>,
    archived: bool,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    trigger: String,
    /// The number of messages sent lately.
    sent: i64,
    /// The share of them that arrived, such as `96.4 %`.
    delivered: Option<String>,
    last_activity: Option<DateTime<Utc>>,
}

pub(super) async fn list(visit: Visit<Viewer>, position: Query<AutomationListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(PER_PAGE).unwrap_or(i64::MAX);
    let archived = position.archived;
    let mut found =
        automations::list_archived(&mut conn, archived, position.before, limit + 1).await?;
    let more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let ids: Vec<AutomationId> = found.iter().map(|automation| automation.id).collect();
    let activity = last_activity(&mut conn, &ids).await?;
    let days = Days::last(DAYS, visit.now(), visit.organization.day_zone);
    let filter = LedgerFilter { days, origin: None, sender_id: None };
    let counts: HashMap<AutomationId, Counts> =
        ledger::read(&mut conn, &filter, Grouping::Automation)
            .await?
            .rows
            .into_iter()
            .filter_map(|row| match row.key {
                LedgerKey::Automation(Some(id)) => Some((id, row.counts)),
                _ => None,
            })
            .collect();
    drop(conn);
    let row = |automation: automations::Automation| {
        let counts = counts.get(&automation.id).copied().unwrap_or_default();
        let sent = counts.sent + counts.delivered + counts.failed + counts.unconfirmed;
        Row {
            id: automation.id,
            name: automation.name,
            status: automation.status,
            trigger: sentences::trigger(&automation.definition.trigger),
            sent,
            delivered: percent(counts, Outcome::Delivered),
            last_activity: activity.get(&automation.id).copied(),
        }
    };
    let path = |before: Option<&AutomationId>| {
        let archived = if archived { "archived=true" } else { "" };
        let before = before.map(|before| format!("before={before}")).unwrap_or_default();
        let query: Vec<&str> =
            [archived, &before].into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/automations{mark}{}", query.join("&"))
    };
    let page = AutomationListPage {
        automations: found.into_iter().map(row).collect(),
        archived,
        newer: position.before.map(|_| path(None)),
        older: ids.last().filter(|_| more).map(|last| path(Some(last))),
    };
    visit.page(&page)
}

impl Page for AutomationListPage {
    const TEMPLATE: &'static str = "ui/automations/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
