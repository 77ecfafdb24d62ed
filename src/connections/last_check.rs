//! The stored result of the last check of a connection, and of the last test of its webhooks.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check_result::Check;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::id::ConnectionId;

/// The last check of a connection's keys and account. Results for its senders are stored with each
/// sender; the public address is checked whenever it is shown, since it is a setting of this
/// installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastCheck {
    /// Time of the requests to Twilio.
    pub checked_at: DateTime<Utc>,
    /// Results of the check.
    pub checks: Vec<Check>,
}

/// The last test of a connection's webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTest {
    /// Time of the test.
    pub tested_at: DateTime<Utc>,
    /// Result of the test.
    pub check: Check,
}

/// Columns: time of the last check, its results, and the last webhook test.
type LastCheckRow = (Option<DateTime<Utc>>, Option<Value>, Option<Value>);

/// The last check of a connection and the last test of its webhooks; `None` before the first.
///
/// A result that cannot be parsed, because another version wrote it, counts as `None`; the
/// connection is checked again within the hour.
pub async fn last_check(
    conn: &mut Conn,
    id: ConnectionId,
) -> Result<(Option<LastCheck>, Option<WebhookTest>)> {
    let columns = (connections::checked_at, connections::checks, connections::webhook_test);
    let found: Option<LastCheckRow> =
        connections::table.find(id).select(columns).first(conn).await.optional()?;
    let (checked_at, checks, test) = found.ok_or(Error::NotFound("connection"))?;
    let last_check = checked_at.zip(checks).and_then(|(checked_at, checks)| {
        Some(LastCheck { checked_at, checks: serde_json::from_value(checks).ok()? })
    });
    Ok((last_check, test.and_then(|test| serde_json::from_value(test).ok())))
}

/// Stores the results of a check.
pub async fn record_checks(
    conn: &mut Conn,
    id: ConnectionId,
    checks: &[Check],
    now: DateTime<Utc>,
) -> Result<()> {
    let change = (connections::checked_at.eq(now), connections::checks.eq(json(&checks)?));
    diesel::update(connections::table.find(id)).set(change).execute(conn).await?;
    Ok(())
}

/// Stores the result of a webhook test.
pub async fn record_test(conn: &mut Conn, id: ConnectionId, test: &WebhookTest) -> Result<()> {
    diesel::update(connections::table.find(id))
        .set(connections::webhook_test.eq(json(test)?))
        .execute(conn)
        .await?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::Internal(error.to_string()))
}
