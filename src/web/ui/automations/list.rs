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

/// The query of the list: the last automation on the page before, and which ones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AutomationListQuery {
    before: Option<AutomationId>,
    /// The name of the last automation on the page before, in the order of names.
    after: String,
    /// `name`, or blank for the newest first.
    sort: String,
    /// Whether to list the archived ones.
    archived: bool,
}

/// The page that lists all automations, the newest first or by name.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationListPage {
    automations: Vec<Row>,
    archived: bool,
    /// How many automations are in use.
    in_use: i64,
    /// How many are archived.
    in_archive: i64,
    by_name: bool,
    /// The path of the list in the other order.
    reordered: String,
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

pub(super) async fn list(visit: Visit<Viewer>, query: Query<AutomationListQuery>) -> PageResult {
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(PER_PAGE).unwrap_or(i64::MAX) + 1;
    let (archived, by_name) = (query.archived, query.is_by_name());
    let after = Some(query.after.as_str()).filter(|name| !name.is_empty());
    let mut found = if by_name {
        automations::list_by_name(&mut conn, archived, after, limit).await?
    } else {
        automations::list_archived(&mut conn, archived, query.before, limit).await?
    };
    let more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let ids: Vec<AutomationId> = found.iter().map(|automation| automation.id).collect();
    let activity = last_activity(&mut conn, &ids).await?;
    let in_use = automations::count(&mut conn, false).await?;
    let in_archive = automations::count(&mut conn, true).await?;
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
    let next = found.last().filter(|_| more).map(|last| {
        let id = last.id.to_string();
        let position =
            if by_name { ("after", last.name.as_str()) } else { ("before", id.as_str()) };
        query.path(by_name, Some(position))
    });
    let is_first = query.before.is_none() && after.is_none();
    let page = AutomationListPage {
        automations: found.into_iter().map(row).collect(),
        archived,
        in_use,
        in_archive,
        by_name,
        reordered: query.path(!by_name, None),
        newer: (!is_first).then(|| query.path(by_name, None)),
        older: next,
    };
    visit.page(&page)
}

impl AutomationListQuery {
    fn is_by_name(&self) -> bool {
        self.sort == "name"
    }

    /// The path of the list in an order, from its start or after a position.
    fn path(&self, by_name: bool, position: Option<(&str, &str)>) -> String {
        let archived = self.archived.then_some(("archived", "true"));
        let sort = by_name.then_some(("sort", "name"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(archived.into_iter().chain(sort).chain(position))
            .finish();
        if query.is_empty() { "/automations".to_owned() } else { format!("/automations?{query}") }
    }
}

impl Page for AutomationListPage {
    const TEMPLATE: &'static str = "ui/automations/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
