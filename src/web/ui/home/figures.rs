//! The numbers on the home page: a read-only summary over several slices, each query bounded.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::error::Result;

/// What the home page shows.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) contacts: Figure,
    pub(super) messages: Figure,
    pub(super) statuses: Vec<Status>,
    pub(super) has_sender: bool,
    pub(super) has_template: bool,
    pub(super) has_active_automation: bool,
}

/// A number that was counted no further than [`ENOUGH`].
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figure {
    pub(super) number: i64,
    pub(super) and_more: bool,
}

/// How many messages have a status.
#[derive(Debug, Serialize, QueryableByName)]
pub(super) struct Status {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    messages: i64,
}

#[derive(QueryableByName)]
struct Presence {
    #[diesel(sql_type = BigInt)]
    contacts: i64,
    #[diesel(sql_type = Bool)]
    has_sender: bool,
    #[diesel(sql_type = Bool)]
    has_template: bool,
    #[diesel(sql_type = Bool)]
    has_active_automation: bool,
}

/// Rows are counted up to here, so that the page stays quick with millions of them.
const ENOUGH: i64 = 10_000;

const PRESENCE: &str = "SELECT (SELECT count(*) FROM (SELECT 1 FROM contacts LIMIT $1) first) AS contacts, \
     EXISTS (SELECT 1 FROM senders WHERE disabled_at IS NULL AND stopped_at IS NULL) AS has_sender, \
     EXISTS (SELECT 1 FROM templates WHERE archived_at IS NULL) AS has_template, \
     EXISTS (SELECT 1 FROM automations WHERE status = 'active') AS has_active_automation";

/// The newest rows are taken by id before anything is filtered: the time alone could lead through the whole table.
const STATUSES: &str = "SELECT status, count(*) AS messages \
     FROM (SELECT status, direction, created_at FROM messages ORDER BY id DESC LIMIT $1) newest \
     WHERE direction = 'outbound' AND created_at >= $2 GROUP BY status ORDER BY messages DESC, status";

impl Figures {
    pub(super) async fn load(conn: &mut Conn, now: DateTime<Utc>) -> Result<Self> {
        let presence: Presence = diesel::sql_query(PRESENCE).bind::<BigInt, _>(ENOUGH + 1).get_result(conn).await?;
        let statuses: Vec<Status> =
            diesel::sql_query(STATUSES).bind::<BigInt, _>(ENOUGH + 1).bind::<Timestamptz, _>(now - TimeDelta::days(7)).load(conn).await?;
        Ok(Self {
            contacts: Figure::counted(presence.contacts),
            messages: Figure::counted(statuses.iter().map(|status| status.messages).sum()),
            statuses,
            has_sender: presence.has_sender,
            has_template: presence.has_template,
            has_active_automation: presence.has_active_automation,
        })
    }
}

impl Figure {
    const fn counted(number: i64) -> Self {
        if number > ENOUGH { Self { number: ENOUGH, and_more: true } } else { Self { number, and_more: false } }
    }
}

impl Figures {
    /// An empty Carillon and a busy one.
    pub(super) fn samples() -> Vec<Self> {
        let nothing = Self {
            contacts: Figure::counted(0),
            messages: Figure::counted(0),
            statuses: Vec::new(),
            has_sender: false,
            has_template: false,
            has_active_automation: false,
        };
        let status = |status: &str, messages| Status { status: status.to_owned(), messages };
        let busy = Self {
            contacts: Figure::counted(12_000),
            messages: Figure::counted(4_321),
            statuses: vec![status("delivered", 4_100), status("sent", 150), status("undelivered", 41), status("suppressed", 30)],
            has_sender: true,
            has_template: true,
            has_active_automation: true,
        };
        vec![nothing, busy]
    }
}
