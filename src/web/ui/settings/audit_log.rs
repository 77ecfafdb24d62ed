//! The audit log: who changed what and when, filtered by actor or by kind of thing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::users::audit::{self, AuditEntry, AuditFilter, AuditKind, AuditPosition};
use crate::users::{self, api_keys};
use crate::web::quantities::{counted, grouped};
use crate::web::ui::Choice;
use crate::web::{Admin, Page, PageResult, Query, Visit};

const ROWS: usize = 50;
/// The highest number of lines that is counted exactly.
const MAX_COUNTED: usize = 1_000;

/// The query of the log: filter and position.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AuditLogQuery {
    who: String,
    kind: String,
    /// `oldest` for the oldest first.
    sort: String,
    before: String,
    after: String,
}

/// The page of the audit log.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AuditLogPage {
    wanted: AuditLogQuery,
    people: Vec<Choice>,
    kinds: Vec<Choice>,
    rows: Vec<Row>,
    /// How many lines match, in words, if that is cheap to count.
    total: Option<String>,
    oldest_first: bool,
    /// The path of the list in the other order.
    reversed: String,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    entry: AuditEntry,
    /// The path of the page of what was changed, if it has one.
    path: Option<String>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<AuditLogQuery>) -> PageResult {
    let query = query.into_inner();
    let filter = query.filter();
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut entries = audit::list(&mut conn, filter, limit).await?;
    let limit = i64::try_from(MAX_COUNTED + 1).unwrap_or(i64::MAX);
    let total = audit::count(&mut conn, filter, limit).await?.map(total);
    let people = users::list(&mut conn)
        .await?
        .into_iter()
        .map(|user| Choice::new(user.id.to_string(), user.name));
    let keys = api_keys::list(&mut conn)
        .await?
        .into_iter()
        .map(|key| Choice::new(key.id.to_string(), format!("API key {}", key.name)));
    drop(conn);
    let more = entries.len() > ROWS;
    entries.truncate(ROWS);
    let oldest_first = query.is_oldest_first();
    let next = entries.last().filter(|_| more).map(|last| {
        let id = last.id.to_string();
        query.path(oldest_first, Some((if oldest_first { "after" } else { "before" }, id.as_str())))
    });
    let is_first = matches!(filter.position, AuditPosition::Newest | AuditPosition::Oldest);
    let first = (!is_first).then(|| query.path(oldest_first, None));
    let (newer, older) = if oldest_first { (next, first) } else { (first, next) };
    let page = AuditLogPage {
        oldest_first,
        reversed: query.path(!oldest_first, None),
        newer,
        older,
        people: people.chain(keys).collect(),
        kinds: kinds(),
        total,
        rows: rows(entries),
        wanted: query,
    };
    visit.page(&page)
}

/// How many lines match, in words.
fn total(lines: usize) -> String {
    if lines > MAX_COUNTED {
        format!("More than {} changes", grouped(MAX_COUNTED))
    } else {
        counted(lines, "change")
    }
}

fn rows(entries: Vec<AuditEntry>) -> Vec<Row> {
    let path = |entry: &AuditEntry| {
        let id = entry.subject_id?;
        let section = match entry.kind {
            AuditKind::User => "settings/users",
            AuditKind::Connection => "connections",
            AuditKind::Template => "templates",
            AuditKind::Automation => "automations",
            AuditKind::Contact => "contacts",
            AuditKind::Message => "messages",
            AuditKind::Source => "sources",
            AuditKind::Sender => return Some(format!("/senders/{id}/limits")),
            AuditKind::ApiKey | AuditKind::Organization | AuditKind::Job => return None,
        };
        Some(format!("/{section}/{id}"))
    };
    entries.into_iter().map(|entry| Row { path: path(&entry), entry }).collect()
}

fn kinds() -> Vec<Choice> {
    let label = |kind: &AuditKind| match kind {
        AuditKind::User => "Users",
        AuditKind::ApiKey => "API keys",
        AuditKind::Organization => "Organization",
        AuditKind::Connection => "Connections",
        AuditKind::Sender => "Senders",
        AuditKind::Template => "Templates",
        AuditKind::Automation => "Automations",
        AuditKind::Contact => "Contacts",
        AuditKind::Message => "Messages",
        AuditKind::Job => "Jobs",
        AuditKind::Source => "Sources",
    };
    AuditKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), label(kind))).collect()
}

impl AuditLogQuery {
    /// Parses the filter; invalid values are ignored.
    fn filter(&self) -> AuditFilter {
        let position = if self.is_oldest_first() {
            self.after.parse().map_or(AuditPosition::Oldest, AuditPosition::NewerThan)
        } else {
            self.before.parse().map_or(AuditPosition::Newest, AuditPosition::OlderThan)
        };
        let (actor_id, kind) = (self.who.parse::<Uuid>().ok(), self.kind.parse().ok());
        AuditFilter { actor_id, kind, position }
    }

    fn is_oldest_first(&self) -> bool {
        self.sort == "oldest"
    }

    /// The path of the log with the same filter, in an order, from its start or a position on.
    fn path(&self, oldest_first: bool, position: Option<(&str, &str)>) -> String {
        let sort = if oldest_first { "oldest" } else { "" };
        let filled = [("who", self.who.as_str()), ("kind", self.kind.as_str()), ("sort", sort)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filled.chain(position))
            .finish();
        if query.is_empty() { "/settings/log".to_owned() } else { format!("/settings/log?{query}") }
    }
}

impl Page for AuditLogPage {
    const TEMPLATE: &'static str = "ui/settings/audit_log.html";
}

#[cfg(debug_assertions)]
#[path = "samples/audit_log.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_kept_from_page_to_page() {
        let query = AuditLogQuery {
            who: Uuid::nil().to_string(),
            kind: "api_key".to_owned(),
            before: "x".to_owned(),
            ..AuditLogQuery::default()
        };
        let filter = query.filter();
        assert_eq!(
            (filter.actor_id, filter.kind, filter.position),
            (Some(Uuid::nil()), Some(AuditKind::ApiKey), AuditPosition::Newest)
        );
        let path = format!("/settings/log?who={}&kind=api_key", Uuid::nil());
        assert_eq!(query.path(false, None), path);
        assert_eq!(query.path(true, Some(("after", "x"))), format!("{path}&sort=oldest&after=x"));
        assert_eq!(AuditLogQuery::default().path(false, None), "/settings/log");
    }
}
