//! The audit log: who changed what and when, narrowed to somebody or to a kind of thing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::users::audit::{self, AuditEntry, AuditFilter, AuditKind};
use crate::users::{api_keys, people};
use crate::web::ui::Choice;
use crate::web::{Admin, Page, PageResult, Query, Visit};

const ROWS: usize = 50;

/// The filter as it stands in the address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LogQuery {
    who: String,
    kind: String,
    before: String,
}

/// A page of the log.
#[derive(Debug, Serialize)]
pub(in crate::web) struct LogPage {
    wanted: LogQuery,
    people: Vec<Choice>,
    kinds: Vec<Choice>,
    rows: Vec<Row>,
    /// Where it goes on, as a path with query.
    older: Option<String>,
    newest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    entry: AuditEntry,
    /// The page of what was changed, if it has one.
    path: Option<String>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<LogQuery>) -> PageResult {
    let wanted = query.into_inner();
    let filter = wanted.filter();
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut entries = audit::list(&mut conn, filter, limit).await?;
    let people = people::list(&mut conn)
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
    let older = entries.last().filter(|_| more).map(|last| wanted.path(&last.id.to_string()));
    let newest = filter.before.map(|_| wanted.path(""));
    let page = LogPage {
        older,
        newest,
        people: people.chain(keys).collect(),
        kinds: kinds(),
        rows: rows(entries),
        wanted,
    };
    visit.page(&page)
}

fn rows(entries: Vec<AuditEntry>) -> Vec<Row> {
    let path = |entry: &AuditEntry| {
        let id = entry.subject_id?;
        let place = match entry.kind {
            AuditKind::User => "settings/users",
            AuditKind::Connection => "connections",
            AuditKind::Template => "templates",
            AuditKind::Automation => "automations",
            AuditKind::Contact => "contacts",
            AuditKind::Message => "messages",
            AuditKind::Sender => return Some(format!("/senders/{id}/limits")),
            AuditKind::ApiKey | AuditKind::Organization | AuditKind::Job => return None,
        };
        Some(format!("/{place}/{id}"))
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
    };
    AuditKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), label(kind))).collect()
}

impl LogQuery {
    /// What cannot be read narrows nothing.
    fn filter(&self) -> AuditFilter {
        AuditFilter {
            actor_id: self.who.parse::<Uuid>().ok(),
            kind: self.kind.parse().ok(),
            before: self.before.parse().ok(),
        }
    }

    fn path(&self, before: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("who", self.who.as_str()), ("kind", self.kind.as_str()), ("before", before)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/settings/log?{}", query.finish()).trim_end_matches('?').to_owned()
    }
}

impl Page for LogPage {
    const TEMPLATE: &'static str = "ui/settings/log.html";
}

#[cfg(debug_assertions)]
#[path = "samples/log.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_stays_from_page_to_page() {
        let wanted = LogQuery {
            who: Uuid::nil().to_string(),
            kind: "api_key".to_owned(),
            before: "x".to_owned(),
        };
        let filter = wanted.filter();
        assert_eq!(
            (filter.actor_id, filter.kind, filter.before),
            (Some(Uuid::nil()), Some(AuditKind::ApiKey), None)
        );
        assert_eq!(wanted.path(""), format!("/settings/log?who={}&kind=api_key", Uuid::nil()));
        assert_eq!(LogQuery::default().path(""), "/settings/log");
    }
}
