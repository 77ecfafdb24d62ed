//! The work that routines could not do and have set aside: what it is, why it failed, and when it
//! is retried.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::labels;
use crate::connections::{self, Connection};
use crate::error::Error;
use crate::queue::set_aside::{self, SetAside, Task};
use crate::users::audit::{self, AuditKind};
use crate::web::quantities::{capped_count, grouped};
use crate::web::{Admin, Page, PageResult, Query, Visit};

const ROWS: usize = 50;

/// The query of the list: the id of the last item on the page before.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetAsideQuery {
    before: String,
}

/// The list of set-aside items.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SetAsidePage {
    /// The number of items, as shown; empty for none.
    count: String,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    task: &'static str,
    subject: String,
    /// The path of the subject's page, if it has one.
    path: Option<String>,
    connection: Option<String>,
    error: String,
    attempts: i32,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    next_try_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Admin>, query: Query<SetAsideQuery>) -> PageResult {
    let before = query.before.parse().ok();
    let mut conn = visit.conn().await?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let items = set_aside::list(&mut conn, before, limit).await?;
    let count = set_aside::count(&mut conn).await?;
    let connections = connections::list(&mut conn).await?;
    drop(conn);
    visit.page(&SetAsidePage::new(items, &connections, before, count))
}

pub(super) async fn retry_one(visit: Visit<Admin>, id: Path<i64>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let tried = conn.transaction::<_, Error, _>(async |conn| {
        let item = set_aside::try_now(conn, *id, now).await?;
        let summary = format!(
            "retried an item that was set aside ({})",
            labels::task(item.task).to_lowercase()
        );
        audit::record(conn, &actor, AuditKind::Job, None, &summary, now).await
    });
    let redirect = visit.redirect("/admin/set-aside");
    match tried.await {
        Ok(()) => redirect.flash("Retrying within seconds. If it succeeds, it leaves this list."),
        Err(Error::NotFound(_)) => redirect.warning("This item is no longer set aside."),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn retry_all(visit: Visit<Admin>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let count = conn.transaction::<_, Error, _>(async |conn| {
        let count = set_aside::try_all_now(conn, now).await?;
        let summary = format!("retried all items that were set aside ({})", grouped(count));
        audit::record(conn, &actor, AuditKind::Job, None, &summary, now).await?;
        Ok(count)
    });
    let count = count.await?;
    let redirect = visit.redirect("/admin/set-aside");
    redirect.flash(match count {
        0 => "Nothing is set aside now.".to_owned(),
        1 => "Retrying within seconds. If it succeeds, it leaves this list.".to_owned(),
        many => format!(
            "Retrying {} items within seconds. Those that succeed leave this list.",
            grouped(many)
        ),
    })
}

impl SetAsidePage {
    fn new(
        mut items: Vec<SetAside>,
        connections: &[Connection],
        before: Option<i64>,
        count: i64,
    ) -> Self {
        let more = items.len() > ROWS;
        items.truncate(ROWS);
        Self {
            count: if count == 0 {
                String::new()
            } else {
                capped_count(count, set_aside::MAX_COUNTED)
            },
            older: items
                .last()
                .filter(|_| more)
                .map(|last| format!("/admin/set-aside?before={}", last.id)),
            newest: before.map(|_| "/admin/set-aside".to_owned()),
            rows: items.into_iter().map(|item| Row::new(item, connections)).collect(),
        }
    }
}

impl Row {
    fn new(aside: SetAside, connections: &[Connection]) -> Self {
        let SetAside { id, item, error, attempts, first_at, last_at, next_try_at } = aside;
        let path = match item.task {
            Task::LookUp | Task::Release => Some(format!("/messages/{}", item.subject)),
            Task::Inspect | Task::LearnPrices | Task::ListInbound => {
                item.connection.map(|id| format!("/connections/{id}"))
            }
            Task::TakeIn | Task::Fold | Task::EndSession | Task::Export => None,
        };
        let connection_name = |id| {
            connections
                .iter()
                .find(|connection| connection.id == id)
                .map(|connection| connection.name.clone())
        };
        Self {
            id,
            task: labels::task(item.task),
            path,
            connection: item.connection.and_then(connection_name),
            subject: item.subject,
            error,
            attempts,
            first_at,
            last_at,
            next_try_at,
        }
    }
}

impl Page for SetAsidePage {
    const TEMPLATE: &'static str = "ui/admin/set_aside.html";
}

#[cfg(debug_assertions)]
#[path = "samples/set_aside.rs"]
mod samples;
