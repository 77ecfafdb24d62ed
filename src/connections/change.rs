//! Changes that users make to a connection: its name, policy and concurrency limit, and whether it
//! is enabled.

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

/// Allowed values of `max_concurrency`.
pub const CONCURRENCY: RangeInclusive<i32> = 1..=5_000;

/// Changes to a connection; a field that is `None` leaves the value as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// A new name; a taken one results in the field error `name`.
    pub name: Option<String>,
    /// What happens to messages that stay unconfirmed.
    pub unconfirmed_policy: Option<UnconfirmedPolicy>,
    /// Maximum number of requests in flight at Twilio; a value outside [`CONCURRENCY`] results in
    /// the field error `max_concurrency`.
    pub max_concurrency: Option<i32>,
    /// `true` disables it: from the commit on, nothing is claimed for its senders. `false` enables
    /// it again, whether a user or Carillon had stopped it; the caller wakes the waiting messages.
    pub disabled: Option<bool>,
}

/// Applies all changes or none, and records the differences in the audit log. Must run in the
/// caller's transaction.
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
            "what happens to uncertain messages",
            &before.unconfirmed_policy,
            &after.unconfirmed_policy,
        )
        .compare("the requests at once", &before.max_concurrency, &after.max_concurrency)
        .compare("its state", &before.status(), &after.status());
    if !differences.is_empty() {
        let summary = format!("changed the connection “{}”: {differences}", before.name);
        audit::record(conn, actor, AuditKind::Connection, Some(id.0), &summary, now).await?;
    }
    Ok(after)
}

impl ConnectionChange {
    /// Returns the changed connection; the error names every invalid field.
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
        if let Some(limit) = self.max_concurrency {
            let (min, max) = CONCURRENCY.into_inner();
            let mistake = Mistake::OutOfRange(min.into(), max.into());
            errors.check(
                "max_concurrency",
                CONCURRENCY.contains(&limit).then_some(()).ok_or(mistake),
            );
            after.max_concurrency = limit;
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
