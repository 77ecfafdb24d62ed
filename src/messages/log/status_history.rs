//! The history of a message: composition, attempts and reports, in chronological order.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::db::Conn;
use crate::db::schema::delivery_events;
use crate::error::Result;
use crate::messages::attempt;
use crate::messages::message::{Direction, Message};
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;

/// One entry of a message's history.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusEntry {
    /// The status as it was reported, by Twilio or by Carillon.
    pub status: String,
    /// When Carillon learned of it.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub source: ReportSource,
    /// The error code that came with it.
    pub error_code: Option<i32>,
    /// Whether it moved the status.
    pub applied: bool,
    /// The parameters of the report.
    pub params: Option<Value>,
}

/// Lists the history of a message in chronological order.
pub async fn entries(conn: &mut Conn, message: &Message) -> Result<Vec<StatusEntry>> {
    type Row = (String, DateTime<Utc>, ReportSource, Option<i32>, bool, Option<Value>);
    let reports: Vec<Row> = delivery_events::table
        .filter(delivery_events::message_id.eq(message.id))
        .order(delivery_events::id)
        .select((
            delivery_events::status,
            delivery_events::received_at,
            delivery_events::source,
            delivery_events::error_code,
            delivery_events::applied,
            delivery_events::params,
        ))
        .load(conn)
        .await?;
    let own = |status: MessageStatus, at| StatusEntry {
        status: status.to_string(),
        at,
        source: ReportSource::Carillon,
        error_code: None,
        applied: true,
        params: None,
    };
    let mut history = Vec::new();
    match message.direction {
        Direction::Inbound => history.push(own(MessageStatus::Received, message.created_at)),
        Direction::Outbound => history.push(own(MessageStatus::Pending, message.created_at)),
    }
    history.extend(
        attempt::of_message(conn, message.id)
            .await?
            .iter()
            .map(|attempt| own(MessageStatus::Submitting, attempt.claimed_at)),
    );
    history.extend(reports.into_iter().map(|(status, at, source, error_code, applied, params)| {
        StatusEntry { status, at, source, error_code, applied, params }
    }));
    // A stable sort: entries of the same microsecond keep the order above, cause before effect.
    history.sort_by_key(|entry| entry.at);
    Ok(history)
}
