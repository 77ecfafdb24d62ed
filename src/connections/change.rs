//! Changing a connection by hand: its name, its policy, how much it may do at once, and switching
//! it off and on.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::connection::{Connection, UnconfirmedPolicy, name_taken, parse_name};
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::ConnectionId;
use crate::types::mistake::Mistake;
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// What `max_concurrency` may be.
pub const CONCURRENCY: RangeInclusive<i32> = 1..=5_000;

/// What changes about a connection; none leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// A new name; one that is taken is the field error `name`.
    pub name: Option<String>,
    /// What becomes of messages whose fate stays unknown.
    pub unconfirmed_policy: Option<UnconfirmedPolicy>,
    /// How many requests may be in flight at Twilio at most; outside of [`CONCURRENCY`] is the
    /// field error `max_concurrency`.
    pub max_concurrency: Option<i32>,
    /// `true` switches it off: nothing is claimed for its senders from the commit on. `false`
    /// switches it on again, whether a person or Carillon had stopped it; the caller wakes what has
    /// been waiting.
    pub disabled: Option<bool>,
}

/// Changes a connection, all of it or nothing, and tells in the audit log what is different. Needs
/// the caller's transaction.
pub async fn change(
    conn: &mut Conn,
    actor: &Actor,
    id: ConnectionId,
    change: &ConnectionChange,
    now: DateTime<Utc>,
) -> Result<Connection> {
    let before = connections::table
        .find(id)
        .select(Connection::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let before: Connection = before.ok_or(Error::NotFound("connection"))?;
    let after = change.apply(&before, now)?;
    diesel::update(connections::table.find(id))
        .set((
            connections::name.eq(&after.name),
            connections::unconfirmed_policy.eq(after.unconfirmed_policy),
            connections::max_concurrency.eq(after.max_concurrency),
            connections::disabled_at.eq(after.disabled_at),
            connections::stopped_at.eq(after.stopped_at),
            connections::stopped_reason.eq(after.stopped_reason.as_deref()),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    let differences = Differences::default()
        .compare("the name", &before.name, &after.name)
        .compare(
            "what becomes of messages whose fate is unknown",
            &before.unconfirmed_policy,
            &after.unconfirmed_policy,
        )
        .compare("the requests at once", &before.max_concurrency, &after.max_concurrency)
        .compare("its state", &before.status(), &after.status());
    if !differences.is_empty() {
        let summary = format!("changed the connection {}: {differences}", before.name);
        audit::record(conn, actor, AuditKind::Connection, Some(id.0), &summary, now).await?;
    }
    Ok(after)
}

impl ConnectionChange {
    /// The connection as it will be; every wrong field is named at once.
    fn apply(&self, before: &Connection, now: DateTime<Utc>) -> Result<Connection> {
        let mut after = before.clone();
        let mut errors = FieldErrors::default();
        if let Some(name) = &self.name
            && let Some(name) = errors.check("name", parse_name(name))
        {
            after.name = name;
        }
        if let Some(policy) = self.unconfirmed_policy {
            after.unconfirmed_policy = policy;
        }
        if let Some(most) = self.max_concurrency {
            let (least, greatest) = CONCURRENCY.into_inner();
            let mistake = Mistake::OutOfRange(least.into(), greatest.into());
            errors
                .check("max_concurrency", CONCURRENCY.contains(&most).then_some(()).ok_or(mistake));
            after.max_concurrency = most;
        }
        errors.into_result()?;
        match self.disabled {
            Some(true) => after.disabled_at = before.disabled_at.or(Some(now)),
            Some(false) => {
                (after.disabled_at, after.stopped_at, after.stopped_reason) = (None, None, None);
            }
            None => {}
        }
        Ok(after)
    }
}
