//! What the last look at a connection found, kept for everybody to see: the lines of its check, and
//! the test of its webhook.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checks::Check;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, Result};
use crate::types::id::ConnectionId;

/// The last look at a connection: keys and account. What was seen of its senders is kept with each;
/// the public address is looked at anew whenever it is shown, since it is ours to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// When Twilio was asked.
    pub checked_at: DateTime<Utc>,
    /// What it said.
    pub checks: Vec<Check>,
}

/// The last test of a connection's webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTest {
    /// When it was made.
    pub tested_at: DateTime<Utc>,
    /// How it went.
    pub check: Check,
}

/// When it was looked at, what was found, and how the webhooks were tested, as they lie in the
/// table.
type Kept = (Option<DateTime<Utc>>, Option<Value>, Option<Value>);

/// What the last look at a connection found, and the last test of its webhooks; none before the
/// first.
///
/// What another version has left and cannot be read counts as none: it is looked at again within
/// the hour.
pub async fn look(
    conn: &mut Conn,
    id: ConnectionId,
) -> Result<(Option<Look>, Option<WebhookTest>)> {
    let columns = (connections::checked_at, connections::checks, connections::webhook_test);
    let found: Option<Kept> =
        connections::table.find(id).select(columns).first(conn).await.optional()?;
    let (checked_at, checks, test) = found.ok_or(Error::NotFound("connection"))?;
    let look = checked_at.zip(checks).and_then(|(checked_at, checks)| {
        Some(Look { checked_at, checks: serde_json::from_value(checks).ok()? })
    });
    Ok((look, test.and_then(|test| serde_json::from_value(test).ok())))
}

/// Keeps what a look at Twilio has found.
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

/// Keeps how a test of the webhooks went.
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
